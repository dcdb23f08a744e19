package defects

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/relay"
	"github.com/drillrun/drillrun/reference/singletons"
	"github.com/drillrun/drillrun/reference/slots"
)

func noTerm() Defect {
	return Defect{
		Name:        "no-term",
		Wrong:       "what a leader writes carries no term, so that nothing tells its writes from a predecessor's",
		Origin:      cloudReview,
		Symptom:     "writes are taken whose term is not the one in force, of a leader and of a zombie alike",
		Gate:        "unfenced",
		Scenarios:   []string{"leader-pause"},
		ShowsInCalm: true,
		Break: func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			sound := p.Slots
			p.Slots = func(task string) slots.Slots {
				if task != singletons.Cron {
					return sound(task)
				}
				return slotsWithoutTerm{Slots: sound(task), pool: d.Pool, every: c.CronEvery, limit: c.TTL / 2}
			}
			p.Outbox = outboxWithoutTerm{Outbox: p.Outbox, pool: d.Pool, limit: c.TTL / 2}
		},
	}
}

type slotsWithoutTerm struct {
	slots.Slots
	pool  *pgxpool.Pool
	every time.Duration
	limit time.Duration // of a call, as for the sound store
}

func (s slotsWithoutTerm) Record(ctx context.Context, slot int64, _ json.RawMessage) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	_, err := s.pool.Exec(ctx, `
		INSERT INTO slots (task, every_ms, slot, leadership, term) VALUES ($1, $2, $3, $4, 0) ON CONFLICT DO NOTHING`,
		singletons.Cron, s.every.Milliseconds(), slot, controlplane.ControlKey)
	if err != nil {
		return fmt.Errorf("record cron slot %d: %w", slot, err)
	}
	return nil
}

type outboxWithoutTerm struct {
	relay.Outbox
	pool  *pgxpool.Pool
	limit time.Duration
}

func (o outboxWithoutTerm) Mark(ctx context.Context, rows []relay.Row, generation string) error {
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	_, err := o.pool.Exec(ctx, `
		UPDATE outbox SET published_at = clock_timestamp(), published_generation = $2
		WHERE id = ANY ($1) AND published_at IS NULL`, ids, generation)
	if err != nil {
		return fmt.Errorf("mark %d outbox rows: %w", len(ids), err)
	}
	return nil
}
