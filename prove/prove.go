package prove

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/reports"
)

// Defect is a known-bad variant of the system.
type Defect struct {
	Name    string
	Wrong   string // what is wrong, in a line
	Origin  string // where such a mistake was found
	Symptom string // what a drill must see, in a line
	Gate    string // the metric that names the symptom
	// Scenarios should each catch it, the cheapest first.
	Scenarios []string
	// ShowsInCalm declares that the gate may fail though nothing is broken. Any other
	// defect must be without a symptom then: else it is not the drill that has caught it.
	ShowsInCalm bool
	// Bug is set where it is another system's: the releases with and without it take
	// the places of the defective and the sound system. Its scenario is its own.
	Bug *reports.Bug
}

// Within keeps of each defect the scenarios that are among these, and no defect
// without one.
func Within(all []Defect, scenarios []string) (kept []Defect) {
	for _, d := range all {
		d.Scenarios = slices.DeleteFunc(slices.Clone(d.Scenarios), func(s string) bool { return !slices.Contains(scenarios, s) })
		if len(d.Scenarios) > 0 {
			kept = append(kept, d)
		}
	}
	return kept
}

// Drill is one drill to carry out.
type Drill struct {
	Defect   string // empty for the sound system
	Scenario string
	Trial    int // from 1
	// Faultless asks for the scenario with its faults taken out, and the gates of
	// [Unharmed].
	Faultless bool
}

// Config is what is to be proved, and how.
type Config struct {
	Defects []Defect
	Trials  int           // of each pair
	Budget  time.Duration // after which no drill is begun; 0 for none
	// Parallel is how many defects are tried at a time, at least 1. Their drills
	// share the machine.
	Parallel int
	// Faultless are the scenarios that break nothing.
	Faultless []string
	// Drill carries out a drill and judges it. Its error ends the proof. It is
	// called for several drills at once where Parallel is above 1, as is Tell.
	Drill func(context.Context, Drill) (reports.Results, error)
	// Tell is given every finding as soon as it is known.
	Tell func(format string, args ...any)
}

// Run carries out the drills and returns what they showed, also with an error:
// the context's, or that of the drill that could not be carried out.
func Run(ctx context.Context, c Config) (reports.Matrix, error) {
	p := newProof(c)
	found := make([]reports.Proof, len(c.Defects))
	var proving errgroup.Group
	proving.SetLimit(max(1, c.Parallel))
	for i, d := range c.Defects {
		proving.Go(func() error {
			found[i] = p.prove(ctx, d)
			return nil
		})
	}
	_ = proving.Wait() // what went wrong is the proof's to say
	sound := p.held()
	m := reports.Matrix{
		Schema: reports.Schema, Verdict: verdict(found, sound),
		Took: reports.NewMillis(time.Since(p.begun)), Defects: found, Sound: sound,
	}
	return m, p.err
}

// proof is one under way.
type proof struct {
	Config
	begun    time.Time
	controls []*control // one for each scenario, in the order in which defects name them

	mu   sync.Mutex
	over bool // no drill is begun any more
	err  error
}

// control is a scenario held against the sound system, once.
type control struct {
	scenario string
	once     sync.Once
	attempt  *reports.Attempt // nil until then
}

func newProof(c Config) *proof {
	p := &proof{Config: c, begun: time.Now()}
	for _, d := range c.Defects {
		for _, scenario := range d.Scenarios {
			if p.control(scenario) == nil {
				p.controls = append(p.controls, &control{scenario: scenario})
			}
		}
	}
	return p
}

func (p *proof) control(scenario string) *control {
	for _, c := range p.controls {
		if c.scenario == scenario {
			return c
		}
	}
	return nil
}

// held are the attempts of the scenarios that were held against the sound system.
func (p *proof) held() (all []reports.Attempt) {
	for _, c := range p.controls {
		if c.attempt != nil {
			all = append(all, *c.attempt)
		}
	}
	return all
}

// prove tries the scenarios of a defect until one has caught it.
func (p *proof) prove(ctx context.Context, d Defect) reports.Proof {
	found := reports.Proof{
		Defect: d.Name, Wrong: d.Wrong, Origin: d.Origin, Symptom: d.Symptom, Gate: d.Gate,
		Bug: d.Bug, Attempts: []reports.Attempt{},
	}
	for _, scenario := range d.Scenarios {
		p.hold(ctx, p.control(scenario))
		attempt := p.attempt(ctx, Drill{Defect: d.Name, Scenario: scenario}, accuser(d.Gate))
		found.Attempts = append(found.Attempts, attempt)
		if attempt.Finding == reports.Caught {
			found.By, found.TimeToCatch = scenario, median(attempt.Tries)
			break
		}
	}
	found.Finding, found.ShowsInCalm = overall(found.Attempts), d.ShowsInCalm
	if found.Finding == reports.Caught {
		found.Calm, found.Finding, found.Why = p.spare(ctx, d, found.By)
	}
	p.Tell("%s: %s%s", d.Name, found.Finding, by(found))
	return found
}

func by(found reports.Proof) string {
	switch {
	case found.Why != "":
		return ": " + found.Why
	case found.By == "":
		return ""
	}
	return " by " + found.Gate + " in " + found.By
}

// hold holds a scenario against the sound system, unless that has been done, and
// returns when it has.
func (p *proof) hold(ctx context.Context, c *control) {
	c.once.Do(func() {
		attempt := p.attempt(ctx, Drill{Scenario: c.scenario}, acquitter)
		c.attempt = &attempt
		p.Tell("the sound system: %s in %s", attempt.Finding, c.scenario)
	})
}

// attempt carries out the trials of a pair.
func (p *proof) attempt(ctx context.Context, d Drill, judge judge) reports.Attempt {
	return p.attempts(ctx, d, p.Trials, judge)
}

func (p *proof) attempts(ctx context.Context, d Drill, trials int, judge judge) reports.Attempt {
	a := reports.Attempt{Scenario: d.Scenario, Asked: trials, Tries: []reports.Try{}}
	for d.Trial = 1; d.Trial <= trials && p.may(ctx); d.Trial++ {
		began := time.Now()
		results, err := p.Drill(ctx, d)
		if err != nil {
			p.end(err)
			break
		}
		a.Version, a.Digest = results.Version, results.Digest
		a.Tries = append(a.Tries, try(results, time.Since(began), judge))
	}
	a.Finding = together(a.Tries, trials)
	return a
}

// end has no drill begun any more.
func (p *proof) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over, p.err = true, errors.Join(p.err, err)
}

// may says whether another drill may begin.
func (p *proof) may(ctx context.Context) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over && ctx.Err() != nil {
		p.err = context.Cause(ctx)
	}
	p.over = p.over || ctx.Err() != nil || p.Budget > 0 && time.Since(p.begun) >= p.Budget
	return !p.over
}

// verdict is that of the whole matrix. Nothing proved proves nothing.
func verdict(all []reports.Proof, sound []reports.Attempt) gates.Verdict {
	if len(all) == 0 {
		return gates.Unknown
	}
	var verdicts []gates.Verdict
	for _, found := range all {
		verdicts = append(verdicts, found.Told().Verdict())
	}
	for _, a := range sound {
		verdicts = append(verdicts, a.Told().Verdict())
	}
	return gates.Worst(verdicts...)
}
