package ledger

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drillrun/drillrun/reference/jobs"
)

// ErrLost says that an execution has been taken over or ended: its token is
// no longer the job's.
var ErrLost = errors.New("execution lost")

// Token proves the ownership of executions. It is made by the owner, so that
// asking again after a lost answer is no second attempt.
type Token [16]byte

// NewToken draws a token (a UUID, version 4).
func NewToken() Token {
	var t Token
	rand.Read(t[:]) // never fails, by its documentation
	t[6] = t[6]&0x0f | 0x40
	t[8] = t[8]&0x3f | 0x80
	return t
}

// Execution is one attempt at a job, owned by whoever knows the token.
type Execution struct {
	Job      int64
	Token    Token
	Attempt  int // from 1
	Failures int // of earlier attempts, by the job's own fault
	Key      string
	Kind     string
	Subject  string
	Payload  json.RawMessage
}

// Verdict is what acquiring a job came to.
type Verdict string

// The verdicts of acquiring a job.
const (
	Acquired  Verdict = "acquired"
	Finished  Verdict = "finished"  // it is done or dead: nothing is left to do
	Elsewhere Verdict = "elsewhere" // somebody else has it, or is just taking it
	Unknown   Verdict = "unknown"   // there is no such job
)

// Acquisition is the answer for one job.
type Acquisition struct {
	Verdict   Verdict
	Execution Execution // where acquired
}

// Ledger keeps executions in Postgres.
type Ledger struct {
	pool  *pgxpool.Pool
	lease time.Duration
	limit time.Duration
}

// New returns a ledger in which executions are stale when not renewed for
// lease. It gives each call at most limit.
func New(pool *pgxpool.Pool, lease, limit time.Duration) *Ledger {
	return &Ledger{pool: pool, lease: lease, limit: limit}
}

const acquireSQL = `
	WITH free AS (
		SELECT id FROM jobs
		WHERE id = ANY ($1) AND (state = 'queued'
			OR state = 'running' AND (token = $3 OR renewed_at < clock_timestamp() - $4::interval))
		ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
	), taken AS (
		UPDATE jobs SET state = 'running', attempt = attempt + (token IS DISTINCT FROM $3)::int, token = $3,
			closed_by_token = NULL, owner = $2, renewed_at = clock_timestamp()
		FROM free WHERE jobs.id = free.id
		RETURNING jobs.id, attempt
	)
	SELECT j.id, j.state, t.attempt, j.failures, j.key, j.kind, j.subject, j.payload
	FROM jobs j LEFT JOIN taken t USING (id)
	WHERE j.id = ANY ($1)`

// Acquire takes what can be taken of these jobs for owner, in one round trip,
// and makes token the token of those executions. It answers for every id.
// After an error it can be repeated with the same token: executions that were
// acquired already are found again.
func (l *Ledger) Acquire(ctx context.Context, owner string, token Token, ids []int64) (map[int64]Acquisition, error) {
	ctx, cancel := context.WithTimeout(ctx, l.limit)
	defer cancel()
	answers := make(map[int64]Acquisition, len(ids))
	for _, id := range ids {
		answers[id] = Acquisition{Verdict: Unknown}
	}
	rows, err := l.pool.Query(ctx, acquireSQL, ids, owner, token, l.lease)
	if err != nil {
		return nil, fmt.Errorf("acquire: %w", err)
	}
	var (
		e       Execution
		state   jobs.State // before: final states stay, others may have moved on
		attempt *int       // nil where not taken
	)
	_, err = pgx.ForEachRow(rows, []any{&e.Job, &state, &attempt, &e.Failures, &e.Key, &e.Kind, &e.Subject, &e.Payload},
		func() error {
			answers[e.Job] = judge(e, token, state, attempt)
			e.Payload = nil // the next row gets a slice of its own
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("acquire: %w", err)
	}
	return answers, nil
}

func judge(e Execution, token Token, state jobs.State, attempt *int) Acquisition {
	switch {
	case attempt != nil:
		e.Token, e.Attempt = token, *attempt
		return Acquisition{Verdict: Acquired, Execution: e}
	case state.Terminal():
		return Acquisition{Verdict: Finished}
	}
	return Acquisition{Verdict: Elsewhere}
}

const renewSQL = `
	WITH ` + mine + `
	UPDATE jobs SET renewed_at = clock_timestamp()
	FROM mine WHERE jobs.id = mine.id
	RETURNING jobs.id`

// Renew keeps executions from going stale. It returns the jobs whose execution
// is still in force; the others are lost.
func (l *Ledger) Renew(ctx context.Context, executions []Execution) (map[int64]bool, error) {
	return l.byToken(ctx, "renew", renewSQL, executions)
}

// mine locks, in id order, the rows whose live token is the one claimed. They
// stay locked and unchanged until the statement that begins with it is done.
const mine = `
	mine AS (
		SELECT j.id, j.token FROM jobs j
		JOIN unnest($1::bigint[], $2::uuid[]) AS claim (id, token) USING (id)
		WHERE j.token = claim.token AND j.state = 'running'
		ORDER BY j.id FOR NO KEY UPDATE OF j
	)`

// byToken runs one statement over executions and returns the jobs of those it
// found in force.
func (l *Ledger) byToken(ctx context.Context, what, sql string, executions []Execution) (map[int64]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, l.limit)
	defer cancel()
	ids := make([]int64, len(executions))
	tokens := make([]Token, len(executions))
	for i, e := range executions {
		ids[i], tokens[i] = e.Job, e.Token
	}
	rows, err := l.pool.Query(ctx, sql, ids, tokens)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	inForce := make(map[int64]bool, len(executions))
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		inForce[id] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return inForce, nil
}
