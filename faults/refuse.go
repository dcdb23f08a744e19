package faults

import (
	"context"
	"errors"
	"syscall"

	"github.com/drillrun/drillrun/drills"
)

// Refuse makes links close what is open and refuse what is new: a service
// whose last endpoint was taken away, a port that nobody listens on any more.
// It is the kindest of outages, because everybody learns of it at once.
func Refuse() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "refuse",
			Usage:      "refuse FROM->TO[,TO…] [for=DURATION] [&]",
			Summary:    "the links close their connections and refuse new ones",
			Doc:        "Stands for a service without endpoints: the dependency lives, and for FROM nobody listens at its address. Open connections end as if the other side had closed them. Proved by a probe to each link, which is answered before and refused after. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      func(a drills.Args) error { return checkLinks(a) },
			Aims:       atLinks,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			links, err := degrading(a, drills.Degradation{Kind: drills.Refuse})
			return &refuse{links}, err
		},
		Held: drills.HeldFor,
	}
}

type refuse struct{ degraded }

// Await probes every link and wants to be refused.
func (f *refuse) Await(ctx context.Context) (drills.Evidence, error) {
	err := f.each(func(c cut) error {
		if err := c.probe(ctx, answersWithin); !errors.Is(err, syscall.ECONNREFUSED) {
			return errors.Join(errors.New("a probe was not refused"), err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return drills.Evidence{"refused": f.names()}, nil
}
