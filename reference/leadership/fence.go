package leadership

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Fence is the condition that a write made as a holder carries, with the
// lease's key as $1 and its term as $2. FOR SHARE keeps the term from being
// raised until the write is committed: without it, a write that waits for a
// row lock commits under a term that has been superseded meanwhile.
const Fence = `EXISTS (SELECT 1 FROM leadership WHERE key = $1 AND term = $2 FOR SHARE)`

// DB is a pool or a connection.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Exec runs a write under the lease in ctx. The statement contains Fence; its
// own arguments start at $3. It returns how many rows were written, and
// ErrTermLost where none was because the term has been superseded.
func Exec(ctx context.Context, db DB, sql string, args ...any) (int64, error) {
	l, err := FromContext(ctx)
	if err != nil {
		return 0, err
	}
	if err := l.Check(); err != nil {
		return 0, err
	}
	tag, err := db.Exec(ctx, sql, append([]any{l.Key, int64(l.Term)}, args...)...)
	if err != nil {
		return 0, err
	}
	if n := tag.RowsAffected(); n > 0 {
		return n, nil
	}
	return 0, superseded(ctx, db, l)
}

// superseded says why nothing was written: because of the term, or because
// there was nothing to write. It guards nothing; the write is over.
func superseded(ctx context.Context, db DB, l *Lease) error {
	var current bool
	err := db.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM leadership WHERE key = $1 AND term = $2)`,
		l.Key, int64(l.Term)).Scan(&current)
	if err != nil {
		return fmt.Errorf("look up the term after a write of no rows: %w", err)
	}
	if !current {
		return fmt.Errorf("%s, term %d has been superseded: %w", l.Key, l.Term, ErrTermLost)
	}
	return nil
}

// Holder is what the table says of a leadership.
type Holder struct {
	Key    string `json:"key"`
	Term   uint64 `json:"term"`
	Holder string `json:"holder"`
}

// Current returns the latest holder of a key: the zero term and no name where
// nobody has ever held it. Whether that holder lives is not known.
func Current(ctx context.Context, db DB, key string) (Holder, error) {
	h := Holder{Key: key}
	var term int64
	err := db.QueryRow(ctx, `SELECT term, holder FROM leadership WHERE key = $1`, key).Scan(&term, &h.Holder)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Holder{}, fmt.Errorf("read leadership %s: %w", key, err)
	}
	h.Term = uint64(term)
	return h, nil
}
