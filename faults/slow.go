package faults

import (
	"context"
	"errors"

	"github.com/drillrun/drillrun/drills"
)

// Slow makes backends late: a service that swaps, locks, queues. Every call is
// carried out, only later, and even if its sender has long given up: a timeout
// is not a "no".
func Slow() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "slow",
			Usage:      "slow BACKEND|all delay=DURATION [for=DURATION] [&]",
			Summary:    "a backend carries out and answers every call late",
			Doc:        "Stands for a service that swaps, locks or queues. A call takes effect when its answer is due, whether or not its sender still waits. Proved by a probe, whose answer comes as late as the delay asks; of a long delay, half a second is waited out. Undone after for=, by \"heal\", or when the drill drains: what is late then is carried out at once.",
			Check:      checkSlow,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			delay, err := a.Duration("delay", 0)
			return &slow{impaired{name: a.Words[0], how: drills.Impairment{Kind: drills.Slow, Delay: delay}}}, err
		},
		Held: drills.HeldFor,
		Mild: true,
	}
}

func checkSlow(a drills.Args) error {
	if err := checkBackends(a, "delay"); err != nil {
		return err
	}
	delay, err := a.Duration("delay", 0)
	if err == nil && delay == 0 {
		err = errors.New("it needs a delay: write delay=500ms")
	}
	return err
}

type slow struct{ impaired }

// Await probes every backend and wants the answer to be late.
func (f *slow) Await(ctx context.Context) (drills.Evidence, error) {
	late := min(f.how.Delay, longestProof)
	err := f.each(func(_ drills.Backend, probe prober) error {
		return wantLate(late, func() error {
			_, err := probe.ask(ctx, late)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return drills.Evidence{"late": f.names(), "by_at_least_ms": late.Milliseconds()}, nil
}
