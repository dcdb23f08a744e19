package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// Latency makes links slow: a congested network, a far region, a bufferbloat.
// Nothing is lost. What was sent before a process froze or lost its leadership
// still arrives, later: the packets of the dead.
func Latency() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "latency",
			Usage:      "latency FROM->TO[,TO…] delay=DURATION [jitter=DURATION] [dir=both|requests|replies] [for=DURATION] [&]",
			Summary:    "the links carry everything, late",
			Doc:        "Stands for a congested network or a far region. Proved by a probe through each link, whose answer comes as late as the delay asks; of a long delay, half a second is waited out. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      checkLatency,
			Aims:       atLinks,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			delay, err := a.Duration("delay", 0)
			if err != nil {
				return nil, err
			}
			jitter, err := a.Duration("jitter", 0)
			if err != nil {
				return nil, err
			}
			links, err := degrading(a, drills.Degradation{Kind: drills.Latency, Delay: delay, Jitter: jitter})
			return &latency{links}, err
		},
		Held: drills.HeldFor,
		Mild: true,
	}
}

func checkLatency(a drills.Args) error {
	if err := checkLinks(a, "dir", "delay", "jitter"); err != nil {
		return err
	}
	delay, err := a.Duration("delay", 0)
	if err != nil {
		return err
	}
	if delay == 0 {
		return errors.New("it needs a delay: write delay=500ms")
	}
	jitter, err := a.Duration("jitter", 0)
	if err == nil && jitter >= delay {
		err = fmt.Errorf("jitter=%v is not less than the delay: an answer need not be late at all, which proves nothing", jitter)
	}
	return err
}

// longestProof is how much of a delay is waited out to prove it.
const longestProof = 500 * time.Millisecond

type latency struct{ degraded }

// Await probes every link and wants the answer to be late.
func (f *latency) Await(ctx context.Context) (drills.Evidence, error) {
	late := min(f.how.Delay-f.how.Jitter, longestProof)
	err := f.each(func(c cut) error {
		return wantLate(late, func() error { return c.probe(ctx, late) })
	})
	if err != nil {
		return nil, err
	}
	return drills.Evidence{"late": f.names(), "direction": f.how.Direction, "by_at_least_ms": late.Milliseconds()}, nil
}

// wantLate wants a probe, which gives up after so long, to bring no answer by
// then.
func wantLate(late time.Duration, probe func() error) error {
	begun := time.Now()
	err := probe()
	if took := time.Since(begun); took < late {
		return errors.Join(fmt.Errorf("a probe took %v only", took.Round(time.Millisecond)), err)
	}
	return nil
}
