package defects

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/drillrun/drillrun/reference/leadership"
)

func noForShare() Defect {
	return Defect{
		Name:      "no-for-share",
		Wrong:     "the fence looks at the term without FOR SHARE, so that a new term does not wait for the write",
		Origin:    ownGuard,
		Symptom:   "a write that waits for a row is committed under a term that was superseded meanwhile",
		Gate:      "unfenced",
		Scenarios: []string{"write-waits"},
		Break:     write(func(db leadership.DB) leadership.DB { return unshared{db} }),
	}
}

type unshared struct{ leadership.DB }

// Exec lets go of the term.
func (u unshared) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return u.DB.Exec(ctx, strings.Replace(sql, " FOR SHARE", "", 1), args...)
}
