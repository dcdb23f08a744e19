package prove

import (
	"context"
	"slices"
	"time"

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
}

// Config is what is to be proved, and how.
type Config struct {
	Defects []Defect
	Trials  int           // of each pair
	Budget  time.Duration // after which no drill is begun; 0 for none
	// Drill carries out a drill and judges it. Its error ends the proof.
	Drill func(context.Context, Drill) (reports.Results, error)
	// Tell is given every finding as soon as it is known.
	Tell func(format string, args ...any)
}

// Run carries out the drills and returns what they showed, also with an error:
// the context's, or that of the drill that could not be carried out.
func Run(ctx context.Context, c Config) (reports.Matrix, error) {
	p := &proof{Config: c, begun: time.Now()}
	for _, d := range c.Defects {
		p.defects = append(p.defects, p.prove(ctx, d))
	}
	m := reports.Matrix{
		Schema: reports.Schema, Verdict: verdict(p.defects, p.sound), Trials: c.Trials,
		Took: reports.NewMillis(time.Since(p.begun)), Defects: p.defects, Sound: p.sound,
	}
	return m, p.err
}

// proof is one under way.
type proof struct {
	Config
	begun   time.Time
	over    bool // no drill is begun any more
	err     error
	defects []reports.Proof
	sound   []reports.Attempt
}

// prove tries the scenarios of a defect until one has caught it.
func (p *proof) prove(ctx context.Context, d Defect) reports.Proof {
	found := reports.Proof{
		Defect: d.Name, Wrong: d.Wrong, Origin: d.Origin, Symptom: d.Symptom, Gate: d.Gate,
		Attempts: []reports.Attempt{},
	}
	for _, scenario := range d.Scenarios {
		p.control(ctx, scenario)
		attempt := p.attempt(ctx, Drill{Defect: d.Name, Scenario: scenario}, accuser(d.Gate))
		found.Attempts = append(found.Attempts, attempt)
		if attempt.Finding == reports.Caught {
			found.By, found.TimeToCatch = scenario, median(attempt.Tries)
			break
		}
	}
	found.Finding = overall(found.Attempts)
	p.Tell("%s: %s%s", d.Name, found.Finding, by(found))
	return found
}

func by(found reports.Proof) string {
	if found.By == "" {
		return ""
	}
	return " by " + found.Gate + " in " + found.By
}

// control holds a scenario against the sound system, once.
func (p *proof) control(ctx context.Context, scenario string) {
	held := func(a reports.Attempt) bool { return a.Scenario == scenario }
	if slices.ContainsFunc(p.sound, held) {
		return
	}
	attempt := p.attempt(ctx, Drill{Scenario: scenario}, acquitter)
	p.sound = append(p.sound, attempt)
	p.Tell("the sound system: %s in %s", attempt.Finding, scenario)
}

// attempt carries out the trials of a pair.
func (p *proof) attempt(ctx context.Context, d Drill, judge judge) reports.Attempt {
	a := reports.Attempt{Scenario: d.Scenario, Tries: []reports.Try{}}
	for d.Trial = 1; d.Trial <= p.Trials && p.may(ctx); d.Trial++ {
		began := time.Now()
		results, err := p.Drill(ctx, d)
		if err != nil {
			p.over, p.err = true, err
			break
		}
		a.Tries = append(a.Tries, try(results, time.Since(began), judge))
	}
	a.Finding = together(a.Tries, p.Trials)
	return a
}

// may says whether another drill may begin.
func (p *proof) may(ctx context.Context) bool {
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
		verdicts = append(verdicts, found.Finding.Verdict())
	}
	for _, a := range sound {
		verdicts = append(verdicts, a.Finding.Verdict())
	}
	return gates.Worst(verdicts...)
}
