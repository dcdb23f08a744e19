package faults

import (
	"context"

	"github.com/drillrun/drillrun/drills"
)

// Hang makes backends take calls and never answer: a deadlock, a full thread
// pool behind an open port. It is what timeouts and bulkheads are for; without
// them every caller is soon waiting here.
func Hang() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "hang",
			Usage:      "hang BACKEND|all [for=DURATION] [&]",
			Summary:    "a backend takes calls and never answers",
			Doc:        "Stands for a deadlock or a full thread pool behind an open port. The calls have no effect. Proved by a probe, which is answered before and meets silence after. Undone after for=, by \"heal\", or when the drill drains: what still waits then is answered 503.",
			Check:      func(a drills.Args) error { return checkBackends(a) },
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			return &hang{impaired{name: a.Words[0], how: drills.Impairment{Kind: drills.Hanging}}}, nil
		},
		Held: drills.HeldFor,
		Mild: true,
	}
}

type hang struct{ impaired }

// Await probes every backend and wants silence.
func (f *hang) Await(ctx context.Context) (drills.Evidence, error) {
	err := f.each(func(_ drills.Backend, probe prober) error {
		_, err := probe.ask(ctx, silentFor)
		return silent(err)
	})
	if err != nil {
		return nil, err
	}
	return drills.Evidence{"silent": f.names(), "probed_ms": silentFor.Milliseconds()}, nil
}
