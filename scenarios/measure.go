package scenarios

import (
	"fmt"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// measure refuses a script that would take more steps, or more time, than any drill
// needs: at the step by which it does.
func (p *parser) measure() {
	var all extent
	for _, s := range p.scenario.Steps {
		all.add(p.extent(s))
		switch {
		case all.steps > MaxSteps:
			p.fail(s.Line, s.Text, fmt.Errorf("the script takes %.4g steps up to here, and may take %d: repeat less", all.steps, MaxSteps))
			return
		case all.time > drills.MaxDuration.Seconds():
			p.fail(s.Line, s.Text, fmt.Errorf("the script takes %.4g hours up to here, and may take %.0f: wait or repeat less",
				all.time/time.Hour.Seconds(), drills.MaxDuration.Hours()))
			return
		}
	}
}

// extent is what a part of a script takes: steps, and seconds as far as they are
// written down. They may be more than whole numbers hold.
type extent struct{ steps, time float64 }

func (e *extent) add(other extent) {
	e.steps += other.steps
	e.time += other.time
}

func (p *parser) extent(s drills.Step) extent {
	if s.Verb == "repeat" {
		var once extent
		for _, inner := range s.Body {
			once.add(p.extent(inner))
		}
		return extent{once.steps * float64(s.Repeat), once.time * float64(s.Repeat)}
	}
	one := extent{steps: 1}
	if spec := p.verbs[s.Verb]; spec.Lasts != nil && !s.Background {
		one.time = spec.Lasts(s.Args).Seconds()
	}
	return one
}
