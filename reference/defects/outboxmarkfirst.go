package defects

import (
	"context"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/relay"
)

func outboxMarkFirst() Defect {
	return Defect{
		Name:      "outbox-mark-first",
		Wrong:     "outbox rows are marked as published, and published then",
		Origin:    siteReview,
		Symptom:   "rows that were marked and never published: only the reconciler's sweep brings their jobs back",
		Gate:      "republished",
		Scenarios: []string{"leader-redis-partition"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			p.Outbox = &markedFirst{Outbox: p.Outbox, stream: p.Queue}
		},
	}
}

type markedFirst struct {
	relay.Outbox
	stream     controlplane.Queue
	generation string // of the stream, as far as it is known
}

// Due marks what is to be published next.
func (o *markedFirst) Due(ctx context.Context, n int) ([]relay.Row, error) {
	rows, err := o.Outbox.Due(ctx, n)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	if now, err := o.stream.Generation(ctx); err == nil {
		o.generation = now
	}
	return rows, o.Outbox.Mark(ctx, rows, o.generation)
}

// Mark finds everything marked.
func (*markedFirst) Mark(context.Context, []relay.Row, string) error { return nil }
