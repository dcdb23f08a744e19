package faults

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/drillrun/drillrun/drills"
)

// Reset makes links abort every connection with a TCP RST, those that are open
// and each new one: a load balancer that was restarted, a firewall that rejects
// what it has no state for, a host that came back and knows no connection.
// Both sides learn of it at once, in the middle of whatever they were doing.
func Reset() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "reset",
			Usage:      "reset FROM->TO[,TO…] [for=DURATION] [&]",
			Summary:    "every connection of the links ends with a RST, open or new",
			Doc:        "Stands for a load balancer that was restarted or a firewall that rejects what it has no state for. Replicas and stores see \"connection reset by peer\"; what they had sent may or may not have arrived. Proved on each link by a connection from before and by a new one, which both are reset. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      func(a drills.Args) error { return checkLinks(a) },
			Aims:       atLinks,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			links, err := degrading(a, drills.Degradation{Kind: drills.Reset})
			return &reset{kept{degraded: links}}, err
		},
		Held: drills.HeldFor,
	}
}

type reset struct{ kept }

// Await wants a reset on the connections from before, and on new ones.
func (f *reset) Await(ctx context.Context) (drills.Evidence, error) {
	err := f.each(func(c cut) error {
		return errors.Join(
			wantReset("the connection from before", f.askAgain(c, answersWithin)),
			wantReset("a new connection", c.probe(ctx, answersWithin)),
		)
	})
	if err != nil {
		return nil, err
	}
	return drills.Evidence{"reset": f.names(), "connections": "open and new"}, nil
}

func wantReset(what string, err error) error {
	if errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return errors.Join(fmt.Errorf("%s was not reset", what), err)
}
