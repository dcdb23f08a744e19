package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/drillrun/drillrun/drills"
)

// OOM makes Redis refuse writes for want of memory: a queue that nobody
// empties, a neighbour's keys, a limit that was set too low. It is alive and
// answers all else, what takes entries off a queue included.
func OOM() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "oom",
			Usage:      "oom redis [for=DURATION] [&]",
			Summary:    "Redis is at its memory limit and evicts nothing: what would add data is refused",
			Doc:        "Stands for a queue that nobody empties, or a limit that was set too low. Redis answers reads, and whatever frees memory; all that may need more is refused with OOM. Proved by a write that is refused and a read that is answered. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      ofStore("oom", drills.RoleRedis, "for"),
			Aims:       atLogin,
			Background: true,
		},
		New:  func(drills.Args) (drills.Fault, error) { return &oom{}, nil },
		Held: drills.HeldFor,
	}
}

const (
	maxMemory = "maxmemory"
	policy    = "maxmemory-policy"
	// probeKey is what a probe writes, for a moment only.
	probeKey = "drillrun:probe"
)

type oom struct {
	store  drills.Store
	before map[string]string // settings, by name
}

// Plan reads the settings that will be put back.
func (f *oom) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	var err error
	if f.store, err = storeOf(t.Cluster(), drills.RoleRedis); err != nil {
		return drills.Undo{}, err
	}
	err = f.with(func(client *redis.Client) error {
		f.before = map[string]string{}
		for _, name := range []string{maxMemory, policy} {
			found, err := client.ConfigGet(ctx, name).Result()
			if err != nil {
				return fmt.Errorf("read the setting %s of redis: %w", name, err)
			}
			f.before[name] = found[name]
		}
		return nil
	})
	return drills.Undo{Action: drills.ActionHeal, Victims: []string{f.store.Info().Name}}, err
}

// Inject forbids evictions before it lowers the limit, or data would be lost.
func (f *oom) Inject(ctx context.Context) error {
	return f.with(func(client *redis.Client) error {
		if err := configure(ctx, client, policy, "noeviction"); err != nil {
			return err
		}
		return configure(ctx, client, maxMemory, "1")
	})
}

// Await wants a write to be refused and a read to be answered.
func (f *oom) Await(ctx context.Context) (drills.Evidence, error) {
	err := f.with(func(client *redis.Client) error {
		switch err := probeWrite(ctx, client); {
		case err == nil:
			return errors.New("a write was taken")
		case !strings.HasPrefix(err.Error(), "OOM "):
			return fmt.Errorf("a write was not refused for want of memory: %w", err)
		}
		if err := client.Exists(ctx, probeKey).Err(); err != nil {
			return fmt.Errorf("a read was not answered: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return drills.Evidence{"write_refused": "OOM", "read": "answered"}, nil
}

// Recover raises the limit before it allows evictions, and sees a write taken.
func (f *oom) Recover(ctx context.Context) error {
	return f.with(func(client *redis.Client) error {
		for _, name := range []string{maxMemory, policy} {
			if err := configure(ctx, client, name, f.before[name]); err != nil {
				return err
			}
		}
		if err := probeWrite(ctx, client); err != nil {
			return fmt.Errorf("write to redis: %w", err)
		}
		return nil
	})
}

// with does something with a client of its own.
func (f *oom) with(do func(*redis.Client) error) error {
	client, err := openRedis(f.store)
	if err != nil {
		return err
	}
	return errors.Join(do(client), client.Close())
}

func configure(ctx context.Context, client *redis.Client, name, value string) error {
	if err := client.ConfigSet(ctx, name, value).Err(); err != nil {
		return fmt.Errorf("set %s of redis to %q: %w", name, value, err)
	}
	return nil
}

func probeWrite(ctx context.Context, client *redis.Client) error {
	return client.Set(ctx, probeKey, "", time.Millisecond).Err()
}
