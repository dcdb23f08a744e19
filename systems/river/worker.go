package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

// errSuperseded is that of an attempt whose job is no longer its own.
var errSuperseded = errors.New("the job has been taken from this attempt")

// task is a job as River stores it. The same key is the same job, whatever has
// become of it.
type task struct {
	Key     string `json:"key" river:"unique"`
	Subject string `json:"subject"`
	WorkMS  int64  `json:"work_ms"`
}

func (task) Kind() string { return "task" }

func (task) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: rivertype.JobStates()}}
}

// worker does jobs. It is at least once: whatever fails after the witness was
// told is done again, with the same key.
type worker struct {
	river.WorkerDefaults[task]
	pool    *pgxpool.Pool
	witness *witness
	log     *slog.Logger
}

func (w *worker) Work(ctx context.Context, job *river.Job[task]) error {
	if job.Args.WorkMS < 0 {
		return river.JobCancel(fmt.Errorf("nobody can work for %d ms", job.Args.WorkMS))
	}
	if err := pause(ctx, time.Duration(job.Args.WorkMS)*time.Millisecond); err != nil {
		return err
	}
	e := effect{Subject: job.Args.Subject, Key: job.Args.Key, Kind: "once", Attempt: job.Attempt}
	if err := w.witness.insist(ctx, e); err != nil {
		return err
	}
	return w.commit(ctx, job)
}

// commit writes the effect's row and completes the job in one transaction.
//
// JobCompleteTx returns no error for a job that has been rescued meanwhile. If
// it still waits for its next attempt, the state returned is not completed. If
// that attempt runs, the job is completed under its hands, and only the number
// of the attempt tells. Neither may be committed. An error is returned for both:
// on nil, River would complete the job by itself, without the effect.
func (w *worker) commit(ctx context.Context, job *river.Job[task]) error {
	return pgx.BeginFunc(ctx, w.pool, func(tx pgx.Tx) error {
		const insert = "INSERT INTO effects (job_id, attempt, replica) VALUES ($1, $2, $3)"
		if _, err := tx.Exec(ctx, insert, job.ID, job.Attempt, job.AttemptedBy[len(job.AttemptedBy)-1]); err != nil {
			return fmt.Errorf("write the effect: %w", err)
		}
		done, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		if err != nil {
			return fmt.Errorf("complete the job: %w", err)
		}
		if done.State != rivertype.JobStateCompleted || done.Attempt != job.Attempt {
			w.log.Warn("effect rolled back", "job", job.ID, "attempt", job.Attempt, "is", done.Attempt, "state", done.State)
			return fmt.Errorf("%w: it is %s at attempt %d", errSuperseded, done.State, done.Attempt)
		}
		return nil
	})
}

// pause is over early, with an error, when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
