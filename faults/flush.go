package faults

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/drillrun/drillrun/drills"
)

// Flush removes every key of Redis: a replica promoted without its data, an
// append-only file lost with its disk, a FLUSHALL at the wrong prompt.
func Flush() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:    "flush",
			Usage:   "flush redis",
			Summary: "every key of Redis is gone at once",
			Doc:     "Stands for a replica promoted without its data, a lost disk, a FLUSHALL at the wrong prompt. Proved by the number of keys in the same transaction: some before, none after. There is nothing to undo.",
			Check:   ofStore("flush", drills.RoleRedis),
			Aims:    atLogin,
		},
		New:  func(drills.Args) (drills.Fault, error) { return &flush{}, nil },
		Held: atOnce,
	}
}

type flush struct {
	store         drills.Store
	before, after int64
}

func (f *flush) Plan(_ context.Context, t drills.Target) (drills.Undo, error) {
	var err error
	if f.store, err = storeOf(t.Cluster(), drills.RoleRedis); err != nil {
		return drills.Undo{}, err
	}
	return drills.Undo{Action: drills.ActionNone, Victims: []string{f.store.Info().Name}}, nil
}

// Inject counts the keys, flushes and counts again, in one transaction: nobody
// can have written in between.
func (f *flush) Inject(ctx context.Context) (err error) {
	client, err := openRedis(f.store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	var before, after *redis.IntCmd
	_, err = client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		before = p.DBSize(ctx)
		p.FlushAll(ctx)
		after = p.DBSize(ctx)
		return nil
	})
	if err != nil {
		return fmt.Errorf("flush redis: %w", err)
	}
	f.before, f.after = before.Val(), after.Val()
	return nil
}

func (f *flush) Await(context.Context) (drills.Evidence, error) {
	if f.before == 0 || f.after != 0 {
		return nil, fmt.Errorf("redis held %d keys before and %d after: nothing was lost", f.before, f.after)
	}
	return drills.Evidence{"keys_before": f.before, "keys_after": f.after}, nil
}

func (f *flush) Recover(context.Context) error { return nil }
