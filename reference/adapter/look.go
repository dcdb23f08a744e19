package adapter

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/queue"
)

// ownName marks the adapter's own connections, which are not the system's.
const ownName = "drillrun-inspector"

// connecting bounds how long a store may take a connection and say nothing.
const connecting = 10 * time.Second

// look sees into the stores directly, past all links.
type look struct {
	postgres *pgxpool.Pool
	redis    *redis.Client
}

func newLook(ctx context.Context, postgresURL, redisURL string) (*look, error) {
	config, err := pgxpool.ParseConfig(postgresURL)
	if err != nil {
		return nil, fmt.Errorf("parse the URL of postgres: %w", err)
	}
	config.MaxConns = 2
	config.ConnConfig.RuntimeParams["application_name"] = ownName
	config.ConnConfig.ConnectTimeout = connecting
	options, err := redis.ParseURL(redisURL)
	if err != nil {
		return nil, fmt.Errorf("parse the URL of redis: %w", err)
	}
	options.ClientName = ownName
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open a pool to look into postgres: %w", err)
	}
	return &look{postgres: pool, redis: redis.NewClient(options)}, nil
}

func (l *look) close() error {
	l.postgres.Close()
	return l.redis.Close()
}

//go:embed triggers.sql
var triggersSQL string

// installTriggers has every owned write recorded from now on.
func (l *look) installTriggers(ctx context.Context) error {
	if _, err := l.postgres.Exec(ctx, triggersSQL); err != nil {
		return fmt.Errorf("install the triggers that watch owned writes: %w", err)
	}
	return nil
}

// leadershipsSQL names who held each leadership last, and the session that has
// its lock, whoever's that is. An advisory lock's number stands in two halves.
const leadershipsSQL = `
	SELECT l.key, l.holder, l.term, coalesce((
		SELECT pid FROM pg_locks
		WHERE locktype = 'advisory' AND granted AND objsubid = 1
		AND classid::bigint << 32 | objid::bigint = hashtextextended('leadership/' || l.key, 0)
		LIMIT 1), 0)
	FROM leadership l ORDER BY l.key <> $1, l.key`

// leaderships reads who holds which leadership, and under which term.
func (l *look) leaderships(ctx context.Context) ([]drills.Leadership, error) {
	rows, err := l.postgres.Query(ctx, leadershipsSQL, controlplane.ControlKey)
	if err != nil {
		return nil, fmt.Errorf("read who leads: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[drills.Leadership])
	if err != nil {
		return nil, fmt.Errorf("read who leads: %w", err)
	}
	return all, nil
}

// waiterSQL names the first session in the queue for the leadership's lock; a
// session is called after its replica and its key.
const waiterSQL = `
	SELECT split_part(a.application_name, '/', 2), clock_timestamp() - l.waitstart
	FROM pg_locks l JOIN pg_stat_activity a USING (pid)
	WHERE l.locktype = 'advisory' AND NOT l.granted AND a.application_name LIKE 'controlplane/%/leadership/' || $1
	ORDER BY l.waitstart LIMIT 1`

// waiter reads who is next in the queue for the leadership, and for how long it
// has waited.
func (l *look) waiter(ctx context.Context) (replica string, waited time.Duration, err error) {
	if err := l.postgres.QueryRow(ctx, waiterSQL, controlplane.ControlKey).Scan(&replica, &waited); err != nil {
		return "", 0, fmt.Errorf("read who waits for the leadership: %w", err)
	}
	return replica, waited, nil
}

// counts are what is read from Postgres, by the name it has in a snapshot.
var counts = []struct{ name, sql string }{
	{history.CountUnfinished, "SELECT count(*) FROM jobs WHERE state NOT IN ('done', 'dead')"},
	{history.CountDeadLetters, "SELECT count(*) FROM dead_letters"},
	{history.CountOutbox, "SELECT count(*) FROM outbox WHERE published_at IS NULL"},
	{history.CountRepublished, "SELECT count(*) FROM outbox WHERE enqueued_term IS NOT NULL"},
	{history.CountLocks, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"},
	{history.CountConnections, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name NOT LIKE 'drillrun-%'"},
	{history.CountOwnedWrites, "SELECT count(*) FROM drillrun.owned_writes"},
	{history.CountUnfencedWrites, "SELECT count(*) FROM drillrun.owned_writes WHERE superseded"},
}

// inspect counts what the stores hold: Postgres in one round trip, then Redis.
func (l *look) inspect(ctx context.Context) (drills.Snapshot, error) {
	snapshot := drills.Snapshot{}
	var columns []string
	values := make([]any, len(counts))
	for i, c := range counts {
		columns = append(columns, "("+c.sql+")")
		values[i] = new(int64)
	}
	err := l.postgres.QueryRow(ctx, "SELECT "+strings.Join(columns, ", "), pgx.QueryExecModeExec).Scan(values...)
	if err != nil {
		return nil, fmt.Errorf("look into postgres: %w", err)
	}
	for i, c := range counts {
		snapshot[c.name] = *values[i].(*int64)
	}
	return snapshot, l.inspectRedis(ctx, snapshot)
}

// inspectRedis counts what the lanes of the queue hold, all together.
func (l *look) inspectRedis(ctx context.Context, snapshot drills.Snapshot) error {
	malformed, err := l.redis.XLen(ctx, queue.MalformedKey).Result()
	if err != nil {
		return fmt.Errorf("look into redis: %w", err)
	}
	snapshot[history.CountDeadLetters] += malformed
	for _, lane := range jobs.Lanes() {
		queued, pending, err := l.inspectLane(ctx, queue.StreamKey(lane))
		if err != nil {
			return fmt.Errorf("look into redis: lane %s: %w", lane, err)
		}
		snapshot[history.CountQueued] += queued
		snapshot[history.CountPending] += pending
	}
	return nil
}

func (l *look) inspectLane(ctx context.Context, key string) (queued, pending int64, err error) {
	queued, err = l.redis.XLen(ctx, key).Result()
	if err != nil {
		return 0, 0, err
	}
	delivered, err := l.redis.XPending(ctx, key, queue.GroupName).Result()
	switch {
	case err == nil:
		return queued, delivered.Count, nil
	case errors.Is(err, redis.Nil), strings.HasPrefix(err.Error(), "NOGROUP"):
		return queued, 0, nil
	}
	return 0, 0, err
}
