package gates

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// Result is the verdict of one gate.
type Result struct {
	Gate     string // the line
	Metric   string // its name
	Verdict  Verdict
	Observed string   // what was measured, for people; empty where nothing was
	Why      string   // the reason of a verdict other than a plain pass; may be a remark on one
	Evidence []uint64 // the events that show it, EvidenceLimit at most
	// Proved says of a violation that it stands whatever is in doubt about the drill:
	// the system did it, or it is missing for good, or no continuation could mend it.
	Proved bool
}

// Judgement is what a history shows.
type Judgement struct {
	Verdict      Verdict
	Why          []string // what concerns the verdict as a whole: doubts, or why there is none
	Broken       string   // why the record cannot be believed; empty where it can
	Results      []Result // one a gate, in their order
	Measurements map[string]Measured
	Faults       []*FaultLife
	Events       uint64
	Took         time.Duration // from the start of the run to its last event
}

// Measured is one metric and what was found.
type Measured struct {
	Metric Metric
	Measurement
	// Inapplicable says why the metric does not apply; empty where it does.
	Inapplicable string
}

// Judge measures the metrics, and those of the gates, in one pass over the
// history, and holds the gates against them. It never panics: a meter that
// does is missing with that reason, and a source that does cannot be believed.
func Judge(src Source, gates []Gate, metrics []Metric) (j Judgement) {
	defer func() {
		if r := recover(); r != nil {
			j = Broken(gates, fmt.Sprintf("reading it crashed: %v", r))
		}
	}()
	p := newPanel(src.Header(), gates, metrics)
	for e, err := range src.Events() {
		if err == nil {
			err = p.observe(&e)
		}
		if err != nil {
			p.record.broken = err.Error()
			break
		}
	}
	return p.judge(gates)
}

// Broken is the judgement on a record that cannot even be read, for that reason.
func Broken(gates []Gate, why string) Judgement {
	p := &panel{}
	p.record.broken = why
	return p.judge(gates)
}

// panel is the meters of one pass.
type panel struct {
	record record
	event  Event
	seats  []*seat
	byName map[string]*seat
	denied denied
	shared shared
}

type seat struct {
	Measured
	meter Meter // nil where the metric does not apply
	// wantsLeader says that the metric is of systems with a leader.
	wantsLeader bool
	// goesByTerms says that it is of those who hold terms.
	goesByTerms bool
	crashed     string
}

func newPanel(h history.Header, gates []Gate, metrics []Metric) *panel {
	p := &panel{byName: map[string]*seat{}}
	p.event.subjects, p.event.stake = newSubjects(), &stake{}
	p.event.Header = &h
	p.event.leases = &history.Leases{Leaderships: h.Guarantees.Leaderships}
	p.record.stalls = NewStalls(h)
	all := slices.Clone(metrics)
	for _, g := range gates {
		all = append(all, g.Metric)
	}
	for _, m := range all {
		if p.byName[m.Name] != nil {
			continue
		}
		s := &seat{Measured: Measured{Metric: m, Inapplicable: m.inapplicable(h.Guarantees)}}
		s.wantsLeader = slices.Contains(m.Requires, "leader")
		s.goesByTerms = s.wantsLeader || slices.Contains(m.Requires, "fencing")
		p.byName[m.Name] = s
		p.seats = append(p.seats, s)
		if s.Inapplicable == "" {
			s.guard(func() { s.meter = m.New(h) })
		}
	}
	return p
}

// observe shows one event to all meters. Its error says why the record cannot
// be believed.
func (p *panel) observe(e *history.Event) error {
	if err := p.record.observe(e); err != nil {
		return err
	}
	p.feed(e)
	return p.event.err
}

func (p *panel) feed(e *history.Event) {
	p.event.reset(e)
	p.denied.observe(&p.event)
	p.shared.observe(&p.event)
	p.event.stake.observe(&p.event)
	for i := 0; i < len(p.seats); i++ {
		i = p.show(i)
	}
}

// show shows the event to the meters from the i-th on. It returns early, with
// the index of the meter, where one crashes: guarding all of them at once keeps
// ten million events cheap.
func (p *panel) show(i int) (at int) {
	at = i
	defer func() {
		if r := recover(); r != nil {
			p.seats[at].crash(r)
		}
	}()
	for ; at < len(p.seats); at++ {
		if m := p.seats[at].meter; m != nil {
			m.Observe(&p.event)
		}
	}
	return at
}

func (s *seat) guard(f func()) {
	defer func() {
		if r := recover(); r != nil {
			s.crash(r)
		}
	}()
	f()
}

func (s *seat) crash(r any) {
	s.meter = nil
	s.crashed = fmt.Sprintf("the check crashed: %v", r)
}

// measure asks the meter for what it found.
func (s *seat) measure() {
	if s.meter != nil {
		s.guard(func() { s.Measurement = s.meter.Measure() })
	}
	if s.crashed != "" {
		s.Measurement = Measurement{Missing: s.crashed}
	}
}

func (p *panel) judge(gates []Gate) Judgement {
	j := Judgement{
		Broken: p.record.broken, Faults: p.record.faults.Lives(), Events: p.record.last, Took: p.record.at,
		Measurements: map[string]Measured{},
	}
	for _, s := range p.seats {
		s.measure()
		p.record.sharpen(&s.Measurement)
		if s.goesByTerms {
			s.Vain = cmp.Or(s.Vain, p.shared.told)
		}
		if s.Inapplicable != "" && s.wantsLeader {
			s.Inapplicable += p.denied.tell()
		}
		if j.Broken != "" {
			s.Inapplicable = "" // what the system promises is not known either
			s.Measurement = Measurement{Missing: "the record cannot be believed: " + j.Broken}
		}
		j.Measurements[s.Metric.Name] = s.Measured
	}
	doubts := p.record.doubts()
	if j.Broken != "" {
		doubts = []string{"the record cannot be believed: " + j.Broken}
	}
	verdicts := make([]Verdict, len(gates))
	for i, g := range gates {
		r := p.record.judge(g, j.Measurements[g.Metric.Name], doubts)
		verdicts[i], j.Results = r.Verdict, append(j.Results, r)
	}
	j.Verdict, j.Why = Worst(verdicts...), doubts
	if vain := inVain(verdicts); vain != "" {
		j.Why = append(j.Why, vain)
	}
	return j
}

// inVain says why no gate could give a verdict at all.
func inVain(verdicts []Verdict) string {
	if len(verdicts) == 0 {
		return "the scenario has no gates"
	}
	if !slices.ContainsFunc(verdicts, func(v Verdict) bool { return v != NotApplicable }) {
		return "no gate applies to this system"
	}
	return ""
}
