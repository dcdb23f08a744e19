package slots

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/reference/leadership"
)

// Due is the slots to act in: First to Last, none where First is above Last.
type Due struct {
	First, Last int64
	Next        time.Duration // until the slot after Last begins
	New         bool          // nothing has ever been recorded
}

// Slots is the record of one task's slots.
type Slots interface {
	// Due tells which slots have begun and are not recorded.
	Due(ctx context.Context) (Due, error)
	// Record marks a slot as done under the lease in ctx, with what was decided.
	Record(ctx context.Context, slot int64, decision json.RawMessage) error
}

// kept is how many slots of a task stay recorded. The latest is what the task
// goes on from; the others are for people to read.
const kept = 1000

// Store is Slots in Postgres.
type Store struct {
	db    leadership.DB
	task  string
	every time.Duration
	limit time.Duration
}

var _ Slots = (*Store)(nil)

// NewStore returns the record of a task for an interval, at least a
// millisecond. It gives each call at most limit.
func NewStore(db leadership.DB, task string, every, limit time.Duration) *Store {
	return &Store{db: db, task: task, every: every, limit: limit}
}

const dueSQL = `
	WITH clock AS (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now)
	SELECT now / $1, $1 - now % $1, (SELECT max(slot) FROM slots WHERE task = $2 AND every_ms = $1) FROM clock`

// Due implements Slots.
func (s *Store) Due(ctx context.Context) (Due, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	var (
		d        Due
		millis   int64
		recorded *int64
	)
	if err := s.db.QueryRow(ctx, dueSQL, s.every.Milliseconds(), s.task).Scan(&d.Last, &millis, &recorded); err != nil {
		return Due{}, fmt.Errorf("read slots of %s: %w", s.task, err)
	}
	d.First, d.New, d.Next = d.Last, recorded == nil, time.Duration(millis)*time.Millisecond
	if recorded != nil {
		d.First = *recorded + 1
	}
	return d, nil
}

// recordSQL also forgets what is out of date by then.
const recordSQL = `
	WITH recorded AS (
		INSERT INTO slots (task, every_ms, slot, leadership, term, decision)
		SELECT $3::text, $4::bigint, $5::bigint, $1::text, $2::bigint, $6::jsonb WHERE ` + leadership.Fence + `
		ON CONFLICT DO NOTHING RETURNING slot
	), forgotten AS (
		DELETE FROM slots old USING recorded
		WHERE old.task = $3 AND old.every_ms = $4 AND old.slot <= recorded.slot - $7::bigint
	)
	SELECT FROM recorded`

// Record implements Slots. A slot that is recorded already stays as it is.
func (s *Store) Record(ctx context.Context, slot int64, decision json.RawMessage) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	if _, err := leadership.Exec(ctx, s.db, recordSQL, s.task, s.every.Milliseconds(), slot, decision, kept); err != nil {
		return fmt.Errorf("record slot %d of %s: %w", slot, s.task, err)
	}
	return nil
}
