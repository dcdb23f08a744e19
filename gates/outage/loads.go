package outage

import (
	"fmt"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// loads are those that run, each with its rate.
type loads struct {
	rates map[string]float64
	began time.Duration // of the present stretch of loads
	ran   time.Duration // in all stretches before it
	pace  time.Duration // between operations, as the load with the longest says that is
}

func (l *loads) running() bool { return len(l.rates) > 0 }

// observe says whether the first load has begun now, or the last one has ended.
func (l *loads) observe(e *gates.Event) (begun, ended bool) {
	if e.Phase == history.Invoke {
		begun = !l.running()
		l.begin(e)
		return begun, false
	}
	if _, runs := l.rates[e.Actor]; !runs {
		return false, false
	}
	delete(l.rates, e.Actor)
	if !l.running() {
		l.ran += e.At - l.began
	}
	return false, !l.running()
}

func (l *loads) begin(e *gates.Event) {
	if !l.running() {
		l.rates, l.began = map[string]float64{}, e.At
	}
	var rate float64
	if detail, err := history.Decode[history.Load](e.Event); err == nil && detail.Rate > 0 {
		rate = detail.Rate
		if pace := time.Duration(min(float64(time.Second)/rate, float64(gates.Never/2))); pace > l.pace {
			l.pace = pace
		}
	}
	l.rates[e.Actor] = rate
}

// patience is how many times the average pause of a load one may last: the odds
// against a longer one are more than a hundred to one.
const patience = 5

// interval is how long the loads that run may ask for nothing: it is for records
// that do not tell when operations were meant to be sent.
func (l *loads) interval() time.Duration {
	var rate float64
	for _, r := range l.rates {
		rate += r
	}
	if rate == 0 {
		return 0
	}
	return time.Duration(min(patience*float64(time.Second)/rate, float64(gates.Never/2)))
}

// tell says that nothing was asked in some of the time.
func (l *loads) tell(idle time.Duration) string {
	return fmt.Sprintf("nothing was asked for %s of it: the load asked for one operation each %s", gates.FormatDuration(idle), gates.FormatDuration(l.pace))
}
