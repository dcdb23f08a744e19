package defects

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/queue"
)

// ackWithoutDelete takes acknowledged entries for gone. Redis keeps them until
// they are deleted.
func ackWithoutDelete() Defect {
	return Defect{
		Name:      "ack-without-delete",
		Wrong:     "entries are acknowledged and never deleted from the stream",
		Origin:    cloudReview,
		Symptom:   "the stream grows with every job",
		Gate:      "leaked",
		Scenarios: []string{"calm"},
		Break: func(_ controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			p.Queue = hoard{Queue: p.Queue, redis: d.Redis}
		},
	}
}

type hoard struct {
	controlplane.Queue
	redis *redis.Client
}

// Ack acknowledges and does not delete.
func (q hoard) Ack(ctx context.Context, entries []queue.Entry) error {
	for _, e := range entries {
		if err := q.redis.XAck(ctx, queue.StreamKey, queue.GroupName, e.ID).Err(); err != nil {
			return fmt.Errorf("ack entry %s: %w", e.ID, err)
		}
	}
	return nil
}
