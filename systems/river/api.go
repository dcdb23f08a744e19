package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

const (
	answerWithin = 2 * time.Second
	maxRequest   = 1 << 16
)

// api is how the program is spoken to.
type api struct {
	client *river.Client[pgx.Tx]
	pool   *pgxpool.Pool
	log    *slog.Logger
}

func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /jobs", a.submit)
	mux.HandleFunc("GET /jobs/{key}", a.job)
	mux.HandleFunc("GET /ready", a.answer(func(ctx context.Context) (any, error) { return "ready", a.pool.Ping(ctx) }))
	mux.HandleFunc("GET /leader", a.answer(func(ctx context.Context) (any, error) { return leads(ctx, a.pool) }))
	mux.HandleFunc("GET /inspect", a.answer(func(ctx context.Context) (any, error) { return inspect(ctx, a.pool) }))
	return mux
}

// answer serves what needs no request, or 503 where it cannot be had.
func (a *api) answer(get func(context.Context) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
		defer cancel()
		value, err := get(ctx)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		a.write(w, http.StatusOK, value)
	}
}

// submission is a job as a client asks for it.
type submission struct {
	Key     string `json:"key"`
	Subject string `json:"subject"`
	Args    *struct {
		WorkMS int64 `json:"work_ms"`
	} `json:"args"`
}

// submit inserts a job, and answers once it is committed: 202, or 200 where a job
// of that key is there and completed.
func (a *api) submit(w http.ResponseWriter, r *http.Request) {
	var s submission
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&s); err != nil || s.Key == "" || s.Subject == "" {
		http.Error(w, `want {"key": "…", "subject": "…", "args": {"work_ms": 20}}, with args or null`, http.StatusUnprocessableEntity)
		return
	}
	job := task{Key: s.Key, Subject: s.Subject}
	if s.Args != nil {
		job.WorkMS = s.Args.WorkMS
	}
	// It goes on without its client, who will ask again: pgx closes a connection whose
	// question is cut short, and a busy hour would be spent on new ones.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), answerWithin)
	defer cancel()
	inserted, err := a.insert(ctx, job)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError) // it may be there all the same
		return
	}
	status := http.StatusAccepted
	if inserted.Job.State == rivertype.JobStateCompleted {
		status = http.StatusOK
	}
	a.write(w, status, map[string]any{"job": inserted.Job.ID, "state": inserted.Job.State})
}

// job answers with the state of the job of that key.
func (a *api) job(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	state, err := stateOf(ctx, a.pool, r.PathValue("key"))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		http.Error(w, "there is no such job", http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		a.write(w, http.StatusOK, map[string]any{"state": state})
	}
}

// insert returns once the job is committed, or was before.
func (a *api) insert(ctx context.Context, job task) (inserted *rivertype.JobInsertResult, err error) {
	err = pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		inserted, err = a.client.InsertTx(ctx, tx, job, nil)
		return err
	})
	return inserted, err
}

func (a *api) write(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		a.log.Debug("an answer was not taken", "error", err)
	}
}
