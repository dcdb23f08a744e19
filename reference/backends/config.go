package backends

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/metrics"
	"github.com/drillrun/drillrun/reference/resilience"
)

// Name is the name of a backend.
type Name string

// The backends.
const (
	Compute      Name = "compute"
	Network      Name = "network"
	Storage      Name = "storage"
	DNS          Name = "dns"
	LoadBalancer Name = "loadbalancer"
)

// Profile is how a backend is called.
type Profile struct {
	Failures int  // in a row, after which its breaker opens
	Slots    int  // calls at once; 0 is without a bound
	Long     bool // its calls take long
	Retried  bool // calls can be tried again without harm
}

// Config is what the backends of a replica are made of.
type Config struct {
	Replica  string
	URLs     map[Name]string // one for each profile
	Token    string
	Profiles map[Name]Profile

	Short, Long time.Duration // the timeouts of one call
	Reset       time.Duration // from the opening of a breaker to its first probe
	Wait        time.Duration // for a slot, at most
	Attempts    int           // of a call that is tried again, in all
	Backoff     backoff.Policy

	Parts    resilience.Parts
	Metrics  *metrics.Set
	Log      *slog.Logger
	Reporter effects.Reporter // is told of changes of breakers
	Meter    Meter            // is told of durations
}

// Meter is told what was measured.
type Meter interface {
	Measured(ctx context.Context, d effects.Durations) error
}

var _ Meter = (*effects.Client)(nil)

// attempts is how often a call is tried that can be tried again.
const attempts = 3

// Defaults returns how backends are called in production. Who and where is left
// to the caller.
func Defaults() Config {
	return Config{
		Profiles: map[Name]Profile{
			Compute: {Failures: 5, Slots: 20, Long: true},
			Network: {Failures: 5, Slots: 15},
			Storage: {Failures: 5, Slots: 10, Long: true},
			// Of calls that are tried again, every try counts.
			DNS:          {Failures: 5 * attempts, Retried: true},
			LoadBalancer: {Failures: 5 * attempts, Retried: true},
		},
		Short: 2 * time.Second, Long: 10 * time.Second, Reset: 30 * time.Second, Wait: 100 * time.Millisecond,
		Attempts: attempts, Backoff: backoff.Policy{Base: 100 * time.Millisecond, Max: time.Second},
		Parts: resilience.Sound(),
	}
}

// successes of probes in a row close a breaker.
const successes = 2

func (c Config) check() error {
	var wrong []error
	for name := range c.Profiles {
		if c.URLs[name] == "" {
			wrong = append(wrong, fmt.Errorf("backend %s has no URL", name))
		}
	}
	for name := range c.URLs {
		if _, known := c.Profiles[name]; !known {
			wrong = append(wrong, fmt.Errorf("there is no backend %q", name))
		}
	}
	return errors.Join(wrong...)
}
