package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/drillrun/drillrun/reference/jobs"
)

// The keys in Redis. The braces keep them on one node of a cluster.
const (
	GroupName     = "workers"
	MalformedKey  = "{controlplane}:malformed"
	GenerationKey = "{controlplane}:generation"

	jobField = "job"
)

// StreamKey is the key of a lane's stream.
func StreamKey(lane jobs.Lane) string { return "{controlplane}:jobs:" + string(lane) }

// Entry is one delivery of a stream.
type Entry struct {
	ID  string // of the stream
	Job int64
}

// Stream is a replica's end of one lane.
type Stream struct {
	redis    *redis.Client
	key      string
	consumer string
	lease    time.Duration
	limit    time.Duration
	log      *slog.Logger
}

// New returns a lane as seen by a consumer, the replica. Entries that are
// pending and idle for lease may be reclaimed. Each call takes at most limit.
func New(client *redis.Client, lane jobs.Lane, consumer string, lease, limit time.Duration, log *slog.Logger) *Stream {
	return &Stream{redis: client, key: StreamKey(lane), consumer: consumer, lease: lease, limit: limit, log: log}
}

// Open returns a client with the settings that this package relies on: no
// hidden retries, and deadlines that hold.
func Open(url string, limit time.Duration) (*redis.Client, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("parse Redis URL: %w", err)
	}
	o.MaxRetries = -1
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = limit, limit, limit, limit
	o.DialerRetries = 1
	o.ContextTimeoutEnabled = true
	o.PoolSize = 16
	o.Protocol = 2 // no push messages, so no maintenance mode either
	return redis.NewClient(o), nil
}

// Receive waits up to block for new entries and returns at most n.
func (s *Stream) Receive(ctx context.Context, n int, block time.Duration) ([]Entry, error) {
	limited, cancel := context.WithTimeout(ctx, block+s.limit)
	defer cancel()
	streams, err := s.redis.XReadGroup(limited, &redis.XReadGroupArgs{
		Group: GroupName, Consumer: s.consumer, Streams: []string{s.key, ">"}, Count: int64(n), Block: block,
	}).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, nil
	case noGroup(err):
		return nil, s.ensureGroup(ctx)
	case err != nil:
		return nil, fmt.Errorf("receive: %w", err)
	}
	return s.read(ctx, streams[0].Messages), nil
}

// Reclaim takes over at most n entries that have been idle for the lease.
func (s *Stream) Reclaim(ctx context.Context, n int) ([]Entry, error) {
	limited, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	var found []redis.XMessage
	for start := "0-0"; ; {
		messages, next, err := s.redis.XAutoClaim(limited, &redis.XAutoClaimArgs{
			Stream: s.key, Group: GroupName, Consumer: s.consumer,
			MinIdle: s.lease, Start: start, Count: int64(n - len(found)),
		}).Result()
		if noGroup(err) {
			return nil, s.ensureGroup(ctx)
		}
		if err != nil {
			// What was claimed so far is idle from now on and comes again.
			return nil, fmt.Errorf("reclaim: %w", err)
		}
		found = append(found, messages...)
		if start = next; len(found) >= n || next == "0-0" {
			return s.read(ctx, found), nil
		}
	}
}

// Touch resets the idle time of this consumer's entries.
func (s *Stream) Touch(ctx context.Context, entries []Entry) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	err := s.redis.XClaimJustID(ctx, &redis.XClaimArgs{
		Stream: s.key, Group: GroupName, Consumer: s.consumer, Messages: ids(entries),
	}).Err()
	if err != nil && !noGroup(err) {
		return fmt.Errorf("touch %d entries: %w", len(entries), err)
	}
	return nil
}

// Ack removes entries that need no more attention. It can be repeated.
func (s *Stream) Ack(ctx context.Context, entries []Entry) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	gone := ids(entries)
	_, err := s.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.XAck(ctx, s.key, GroupName, gone...)
		p.XDel(ctx, s.key, gone...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("ack %d entries: %w", len(entries), err)
	}
	return nil
}

// ensureGroup makes the group from the start of the stream: what was published
// before it existed is not skipped.
func (s *Stream) ensureGroup(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	err := s.redis.XGroupCreateMkStream(ctx, s.key, GroupName, "0").Err()
	if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
		return fmt.Errorf("create consumer group: %w", err)
	}
	return nil
}

func ids(entries []Entry) []string {
	list := make([]string, len(entries))
	for i, e := range entries {
		list[i] = e.ID
	}
	return list
}

// noGroup recognises the error by its code, which Redis puts first.
func noGroup(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "NOGROUP") }
