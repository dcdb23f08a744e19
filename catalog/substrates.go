package catalog

import (
	"context"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local"
)

// DefaultSubstrate is where replicas run unless told otherwise.
const DefaultSubstrate = "local"

// Provider makes one substrate for each drill and owns what they share.
type Provider interface {
	// New makes a substrate whose processes log into that folder.
	New(ctx context.Context, logs string) (drills.Substrate, error)
	Close() error
}

// Need is something that a substrate needs of the machine.
type Need struct {
	Name string
	Have string // what there is: version and place
	Err  error  // nil where it will do; else what is missing and what mends it
}

// SubstrateEntry is a place where replicas can run.
type SubstrateEntry struct {
	Summary string
	Open    func(context.Context) (Provider, error)
	Check   func(context.Context) []Need
}

// Substrates are where replicas can run, by name.
func Substrates() map[string]SubstrateEntry {
	return map[string]SubstrateEntry{
		DefaultSubstrate: {
			Summary: "child processes of this machine, real postgres and redis-server binaries, links in-process",
			Open:    openLocal,
			Check:   checkLocal,
		},
	}
}

type localProvider struct{ *local.Provider }

func (p localProvider) New(ctx context.Context, logs string) (drills.Substrate, error) {
	return p.Provider.New(ctx, local.Options{Logs: logs})
}

func openLocal(ctx context.Context) (Provider, error) {
	p, err := local.Open(ctx, local.Config{})
	if err != nil {
		return nil, err
	}
	return localProvider{p}, nil
}

func checkLocal(ctx context.Context) []Need {
	var needs []Need
	for _, f := range local.Check(ctx, local.Config{}) {
		n := Need{Name: f.Name, Err: f.Err}
		if f.Path != "" {
			n.Have = f.Version + " at " + f.Path
		}
		needs = append(needs, n)
	}
	return needs
}
