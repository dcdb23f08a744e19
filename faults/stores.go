package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"

	"github.com/drillrun/drillrun/drills"
)

// ofStore is the check of a fault that only stores of that role can have.
func ofStore(fault string, role drills.Role, options ...string) func(drills.Args) error {
	return func(a drills.Args) error {
		if err := a.Takes(1, 1, options...); err != nil {
			return err
		}
		if a.Words[0] != string(role) {
			return fmt.Errorf("%q is no target: write \"%s %s\"", a.Words[0], fault, role)
		}
		_, err := a.Duration("for", 0)
		return err
	}
}

// storeOf is the store of that role.
func storeOf(cluster drills.Cluster, role drills.Role) (drills.Store, error) {
	for _, p := range cluster.Processes() {
		if p.Info().Role != role {
			continue
		}
		if s, ok := p.(drills.Store); ok {
			return s, nil
		}
		return nil, fmt.Errorf("%w: nobody says how to log in to %s: the manifest may have its url", drills.ErrUnsupported, p.Info().Name)
	}
	return nil, fmt.Errorf("the system has no %s", role)
}

// inspector names the connections of faults; a system's own are counted apart.
const inspector = "drillrun-fault"

// connecting bounds how long a store may take a connection and say nothing.
const connecting = 10 * time.Second

// session opens a session of Postgres, past all links.
func session(ctx context.Context, store drills.Store) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(store.URL(store.Addr()))
	if err != nil {
		return nil, fmt.Errorf("parse the URL of postgres: %w", err)
	}
	config.RuntimeParams["application_name"] = inspector
	config.ConnectTimeout = connecting
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to postgres: %w", err)
	}
	return conn, nil
}

// sqlState is the code with which Postgres refused something, or empty.
func sqlState(err error) string {
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refusal.Code
	}
	return ""
}

// openRedis returns a client of Redis, past all links, that repeats nothing by
// itself.
func openRedis(store drills.Store) (*redis.Client, error) {
	options, err := redis.ParseURL(store.URL(store.Addr()))
	if err != nil {
		return nil, fmt.Errorf("parse the URL of redis: %w", err)
	}
	options.MaxRetries = -1
	return redis.NewClient(options), nil
}

// silent turns what a probe met into an error unless that was silence.
func silent(met error) error {
	switch {
	case met == nil:
		return errors.New("a probe was answered")
	case errors.Is(met, errSilent):
		return nil
	}
	return fmt.Errorf("it is not silent: %w", met)
}

// lookEvery is how often the world is looked at while something is waited for.
const lookEvery = 5 * time.Millisecond

// until looks until it is so. An error of the look ends it.
func until(ctx context.Context, what string, is func(context.Context) (bool, error)) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		so, err := is(ctx)
		if so && err == nil {
			return nil
		}
		if err == nil {
			select {
			case <-tick.C:
				continue
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		return fmt.Errorf("wait until %s: %w", what, err)
	}
}
