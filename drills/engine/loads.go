package engine

import (
	"sync"
	"time"
)

// loads knows the loads that run.
type loads struct {
	mu      sync.Mutex
	closed  bool // while a drain is under way
	count   int
	rounds  map[int]int // begun, by the line of the script
	running map[*load]struct{}
	since   time.Duration // when the oldest running one began
}

// Running says whether a load runs.
func (l *loads) Running() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.running) > 0
}

// Since is when the loads that run began.
func (l *loads) Since() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since
}

// Stop ends every load and returns once its last submission has ended.
func (l *loads) Stop() int {
	l.mu.Lock()
	var all []*load
	for one := range l.running {
		all = append(all, one)
	}
	l.mu.Unlock()
	for _, one := range all {
		one.stop()
		<-one.done
	}
	return len(all)
}

// still says whether loads are refused, as long as a drain is under way.
func (l *loads) still(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = on
}

func (l *loads) begin(one *load, now time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errResting
	}
	if len(l.running) == 0 {
		l.running, l.since = map[*load]struct{}{}, now
	}
	l.count++
	if l.rounds == nil {
		l.rounds = map[int]int{}
	}
	l.rounds[one.work.Line]++
	one.number, one.round = l.count, l.rounds[one.work.Line]
	l.running[one] = struct{}{}
	return nil
}

func (l *loads) end(one *load) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.running, one)
	close(one.done)
}

// StopLoads ends every load and says how many there were.
func (d *Drill) StopLoads() int { return d.loads.Stop() }
