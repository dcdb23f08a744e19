package defects

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/queue"
	"github.com/drillrun/drillrun/reference/worker"
)

// ackWithoutDelete takes acknowledged entries for gone. Redis keeps them until
// they are deleted.
func ackWithoutDelete() Defect {
	return Defect{
		Name:        "ack-without-delete",
		Wrong:       "entries are acknowledged and never deleted from the stream",
		Origin:      cloudReview,
		Symptom:     "the stream grows with every job",
		Gate:        "leaked",
		Scenarios:   []string{"calm"},
		ShowsInCalm: true,
		Break: func(_ controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			for name, lane := range p.Lanes {
				lane.Stream = hoard{Queue: lane.Stream, redis: d.Redis, key: queue.StreamKey(name)}
			}
		},
	}
}

type hoard struct {
	worker.Queue
	redis *redis.Client
	key   string
}

// Ack acknowledges and does not delete.
func (q hoard) Ack(ctx context.Context, entries []queue.Entry) error {
	for _, e := range entries {
		if err := q.redis.XAck(ctx, q.key, queue.GroupName, e.ID).Err(); err != nil {
			return fmt.Errorf("ack entry %s: %w", e.ID, err)
		}
	}
	return nil
}
