package faults

import (
	"context"
	"errors"
	"fmt"

	"github.com/drillrun/drillrun/drills"
)

// Drop makes the kernel lose packets on their way: a cable that is pulled, a
// firewall that was reloaded, a route that is gone. It is a partition without a
// proxy in between that could still take what is sent, acknowledge it and answer
// keepalives: the connections are those of the system itself, and what their
// owners learn is what TCP tells them.
func Drop() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "drop",
			Usage:      "drop FROM->TO[,TO…] [dir=both|requests|replies] [for=DURATION] [&]",
			Summary:    "packets are lost: no FIN, no RST, nobody answers keepalives",
			Doc:        "Stands for a pulled cable or a firewall that drops, as the kernel of the victim sees it: unlike \"partition\", nothing takes and acknowledges what it sends. Wants direct links, which a system has to be asked for (the reference: \"system direct=postgres\"), and a substrate that has them. Proved by the packets that the kernel has dropped on each link, which are awaited: a link that nobody uses proves nothing. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      func(a drills.Args) error { return checkLinks(a, "dir") },
			Aims:       atLinks,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			links, err := degrading(a, drills.Degradation{Kind: drills.Drop})
			return &drop{links}, err
		},
		Held: drills.HeldFor,
	}
}

type drop struct{ degraded }

// Plan picks the links. A direct one begins at its victim, so that nobody else
// can probe it.
func (f *drop) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	undo, err := f.pick(ctx, t)
	if err != nil {
		return drills.Undo{}, err
	}
	for _, c := range f.cut {
		if _, err := dropped(ctx, c); err != nil {
			return drills.Undo{}, err
		}
	}
	return undo, nil
}

// dropped is how many packets a link has lost so far.
func dropped(ctx context.Context, c cut) (uint64, error) {
	link, ok := c.Link.(drills.Dropper)
	if !ok {
		_, to := c.Ends()
		return 0, fmt.Errorf("%w: the link %s goes through a proxy: packets can only be dropped on a direct link (system direct=%s)",
			drills.ErrUnsupported, c, to)
	}
	n, err := link.Dropped(ctx)
	if err != nil {
		return 0, fmt.Errorf("count the packets dropped on link %s: %w", c, err)
	}
	return n, nil
}

// Await waits until every link has lost something.
func (f *drop) Await(ctx context.Context) (drills.Evidence, error) {
	lost := map[string]uint64{}
	for _, c := range f.cut {
		err := until(ctx, "a packet is dropped on link "+c.String(), func(ctx context.Context) (bool, error) {
			n, err := dropped(ctx, c)
			lost[c.String()] = n
			return n > 0, err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(lost) == 0 {
		return nil, errors.New("no link was chosen")
	}
	return drills.Evidence{"dropped_packets": lost, "direction": f.how.Direction}, nil
}

// Recover heals the links and sees the kernel count no losses on them.
func (f *drop) Recover(ctx context.Context) error {
	return f.each(func(c cut) error {
		if err := c.Heal(ctx); err != nil {
			return err
		}
		return until(ctx, "no packet is dropped on it", func(ctx context.Context) (bool, error) {
			n, err := dropped(ctx, c)
			return n == 0, err
		})
	})
}
