package defects

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/relay"
)

func outboxSkipsGap() Defect {
	return Defect{
		Name:        "outbox-skips-gap",
		Wrong:       "the relay remembers the highest id that it has moved, and looks for higher ones only",
		Origin:      siteReview,
		Symptom:     "rows with a lower id that are committed later are never published",
		Gate:        "lost",
		Scenarios:   []string{"long-write"},
		ShowsInCalm: true,
		Break: func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			p.Outbox = &ascending{Outbox: p.Outbox, pool: d.Pool, limit: c.TTL / 2}
		},
	}
}

type ascending struct {
	relay.Outbox
	pool  *pgxpool.Pool
	limit time.Duration // of a call, as for the sound store
	last  int64
}

// Due looks above what was marked last.
func (o *ascending) Due(ctx context.Context, n int) ([]relay.Row, error) {
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	rows, err := o.pool.Query(ctx, `
		SELECT id, job_id, (SELECT kind FROM jobs j WHERE j.id = o.job_id) FROM outbox o
		WHERE id > $1 AND published_at IS NULL AND available_at <= clock_timestamp()
		ORDER BY id LIMIT $2`, o.last, n)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[relay.Row])
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	return due, nil
}

// Mark remembers the highest id.
func (o *ascending) Mark(ctx context.Context, rows []relay.Row, generation string) error {
	if err := o.Outbox.Mark(ctx, rows, generation); err != nil {
		return err
	}
	o.last = rows[len(rows)-1].ID
	return nil
}
