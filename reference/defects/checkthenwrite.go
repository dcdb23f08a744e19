package defects

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/drillrun/drillrun/reference/leadership"
)

func checkThenWrite() Defect {
	return Defect{
		Name:      "check-then-write",
		Wrong:     "the term is checked in one statement, and the write is the next",
		Origin:    schemaReview,
		Symptom:   "a write is committed under a term that was superseded after the check",
		Gate:      "unfenced",
		Scenarios: []string{"late-writes"},
		Break:     write(func(db leadership.DB) leadership.DB { return checking{db} }),
	}
}

type checking struct{ leadership.DB }

// Exec checks, and then writes without the fence.
func (c checking) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	key, term := args[0], args[1]
	holder, err := leadership.Current(ctx, c.DB, key.(string))
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	if int64(holder.Term) != term {
		return pgconn.CommandTag{}, fmt.Errorf("%s, term %d has been superseded: %w", key, term, leadership.ErrTermLost)
	}
	return c.DB.Exec(ctx, strings.Replace(sql, leadership.Fence, `$1::text IS NOT NULL`, 1), args...)
}
