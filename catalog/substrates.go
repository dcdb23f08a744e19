package catalog

import (
	"context"
	"maps"
	"slices"

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

// Images are those of the stores, where they run in containers; empty for the
// substrate's own choice.
type Images struct{ Postgres, Redis string }

// Need is something that a substrate needs of the machine.
type Need struct {
	Name  string
	Have  string // what there is, in words; may be empty
	Minor bool   // drills go on without, only worse
	Err   error  // nil where it will do; else what is missing and what mends it
}

// SubstrateEntry is a place where replicas can run.
type SubstrateEntry struct {
	Summary string
	// HasImages says that stores run in containers, of images that can be chosen.
	HasImages bool
	Open      func(context.Context, Images) (Provider, error)
	Check     func(context.Context) []Need
	// Lacks are the faults that cannot be brought about there, and why.
	Lacks map[string]string
	// Heal ends and removes what dead harnesses left there, and says what it
	// did, line by line. It looks at the places that their journals name;
	// without any, wherever there may be something, and leaves alone what
	// belongs to a living harness.
	Heal func(ctx context.Context, places ...string) (done []string, err error)
}

// Lacking are the faults of a scenario that the substrate lacks, sorted: it
// cannot be drilled there unless there are none.
func (e SubstrateEntry) Lacking(s Script) (faults []string) {
	for _, fault := range slices.Sorted(maps.Keys(e.Lacks)) {
		if takes(s.Steps, fault) {
			faults = append(faults, fault)
		}
	}
	return faults
}

// takes says whether one of the steps is that verb.
func takes(steps []drills.Step, verb string) bool {
	return slices.ContainsFunc(steps, func(s drills.Step) bool { return s.Verb == verb || takes(s.Body, verb) })
}

// Substrates are where replicas can run, by name.
func Substrates() map[string]SubstrateEntry {
	return map[string]SubstrateEntry{
		DefaultSubstrate: Local(local.Config{}),
		"docker":         Docker(),
	}
}

// Local is the substrate of child processes, in the place that the config names.
func Local(c local.Config) SubstrateEntry {
	return SubstrateEntry{
		Summary: "child processes of this machine, real postgres and redis-server binaries, links in-process",
		Open: func(ctx context.Context, _ Images) (Provider, error) {
			p, err := local.Open(ctx, c)
			if err != nil {
				return nil, err
			}
			return localProvider{p}, nil
		},
		Lacks: map[string]string{
			"drop":       "all processes share the machine's one network: packets of one cannot be told from those of another",
			"cpu":        "child processes share the machine with everything else on it",
			"memory":     "child processes share the machine with everything else on it",
			"disconnect": "all processes share the machine's one network: none can be taken off it",
		},
		Check: func(ctx context.Context) (needs []Need) {
			for _, f := range local.Check(ctx, c) {
				needs = append(needs, Need{Name: f.Name, Have: f.Have, Minor: f.Minor, Err: f.Err})
			}
			return needs
		},
		Heal: func(ctx context.Context, places ...string) ([]string, error) {
			return local.Heal(ctx, c, places...)
		},
	}
}

type localProvider struct{ *local.Provider }

func (p localProvider) New(ctx context.Context, logs string) (drills.Substrate, error) {
	return p.Provider.New(ctx, local.Options{Logs: logs})
}
