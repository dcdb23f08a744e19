package faults

import (
	"context"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// silentFor is how long a link must bring nothing to be called silent.
const silentFor = 250 * time.Millisecond

// Partition makes links swallow what they carry: a network that is split, a
// firewall that drops. No connection is closed and none is refused, so that
// neither side learns of it but by waiting; existing connections go silent and
// new ones are never answered.
func Partition() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "partition",
			Usage:      "partition FROM->TO[,TO…] [dir=both|requests|replies] [for=DURATION] [&]",
			Summary:    "black hole: the links carry nothing, close nothing, refuse nothing",
			Doc:        "Stands for a split network or a firewall that drops. FROM is a replica (leader, follower, replica-2 …), TO what it depends on (postgres, redis, witness), or \"all\" of these. With dir=replies requests still arrive and only the answers are lost. Proved by a probe through each link, which is answered before and meets silence after. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      func(a drills.Args) error { return checkLinks(a, "dir") },
			Aims:       atLinks,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			links, err := degrading(a, drills.Degradation{Kind: drills.BlackHole})
			return &partition{links}, err
		},
		Held: drills.HeldFor,
	}
}

type partition struct{ degraded }

// Await probes every link and wants silence.
func (f *partition) Await(ctx context.Context) (drills.Evidence, error) {
	err := f.each(func(c cut) error { return silent(c.probe(ctx, silentFor)) })
	if err != nil {
		return nil, err
	}
	return drills.Evidence{"silent": f.names(), "direction": f.how.Direction, "probed_ms": silentFor.Milliseconds()}, nil
}
