package engine

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drillrun/drillrun/drills/history"
)

const (
	// pulseEvery is how often the harness sees to it that it still runs.
	pulseEvery = 20 * time.Millisecond
	// longestBeat is the longest time between two looks that is no stall.
	longestBeat = 100 * time.Millisecond
)

// Pulse is the harness's watch over itself. While the harness does not get to run,
// its links and its witness do not either: it has cut the system off from
// everything. Each such time is written down (history.OpStall), and waits go on by
// as much.
//
// The clock of the record goes on while a process is stopped, but not while the
// machine sleeps. That is trouble of the harness then: leases by the wall clock
// have run out, and nothing in the record shows it.
type Pulse struct {
	log   *history.Log
	slept func() time.Duration // by the machine, since some time in the past

	mu      sync.Mutex
	felt    time.Duration // when it was felt last
	asleep  time.Duration // what slept said then
	stalled time.Duration // in all
}

// TakePulse watches over the harness until stop.
func TakePulse(log *history.Log) (p *Pulse, stop func()) {
	return takePulse(log, slept)
}

func takePulse(log *history.Log, slept func() time.Duration) (p *Pulse, stop func()) {
	p = &Pulse{log: log, slept: slept, felt: log.Now(), asleep: slept()}
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(pulseEvery)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				p.Stalled()
			}
		}
	}()
	return p, func() { close(ended); <-done }
}

// Stalled is for how long the harness has stood still so far, in all. A stall that
// ends just now has been written down when it returns.
func (p *Pulse) Stalled() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, asleep := p.log.Now(), p.slept()
	if gap := now - p.felt; gap > longestBeat {
		p.stalled += gap
		p.log.Append(history.Event{Actor: harness, Op: history.OpStall, Phase: history.Info, Detail: history.Detail(history.Stall{Took: gap})})
	}
	if night := asleep - p.asleep; night > longestBeat {
		p.log.Append(history.Event{
			Actor: harness, Op: history.OpTrouble, Phase: history.Info, Err: fmt.Sprintf("the machine slept for %v", night.Round(time.Millisecond)),
			Detail: history.Detail(history.Trouble{What: "stay awake", Count: 1}),
		})
	}
	p.felt, p.asleep = now, asleep
	return p.stalled
}

// harness is the actor of what the harness notes about itself.
const harness = "harness"

// slept is for how long the machine has been suspended since it was started. Where
// the kernel does not tell, it never was.
func slept() time.Duration {
	var awake, all unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &all) != nil {
		return 0
	}
	return time.Duration(all.Nano() - awake.Nano())
}
