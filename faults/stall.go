package faults

import (
	"context"
	"errors"
	"fmt"

	"github.com/drillrun/drillrun/drills"
)

// Stall makes the connections that links have open go silent, and lets new ones
// pass: a NAT or a firewall that forgot its entries, a virtual address that
// moved to a host which knows nothing of them. Who waits on such a connection
// without a deadline waits for ever, while every health check is green.
func Stall() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "stall",
			Usage:      "stall FROM->TO[,TO…] [dir=both|requests|replies] [for=DURATION] [&]",
			Summary:    "connections that are open go silent, new ones pass",
			Doc:        "Stands for a NAT that forgot its entries, or an address that moved. Nothing is closed: neither bytes nor the end of a connection pass, and a client without a deadline waits for ever. Proved on each link by a connection from before, which is silent, and by a new one, which is answered. Connections that were silent are closed when it is undone: after for=, by \"heal\", or when the drill drains.",
			Check:      func(a drills.Args) error { return checkLinks(a, "dir") },
			Aims:       atLinks,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			links, err := degrading(a, drills.Degradation{Kind: drills.Stall})
			return &stall{kept{degraded: links}}, err
		},
		Held: drills.HeldFor,
	}
}

type stall struct{ kept }

// Await wants silence on the connections from before and an answer on new ones.
func (f *stall) Await(ctx context.Context) (drills.Evidence, error) {
	err := f.each(func(c cut) error {
		if err := f.askAgain(c, silentFor); !errors.Is(err, errSilent) {
			return errors.Join(errors.New("the connection from before is not silent"), err)
		}
		if err := c.probe(ctx, answersWithin); err != nil {
			return fmt.Errorf("a new connection: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return drills.Evidence{
		"silent": f.names(), "connections": "open before", "direction": f.how.Direction, "probed_ms": silentFor.Milliseconds(),
	}, nil
}
