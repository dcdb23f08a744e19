package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"
)

// worker does jobs: it works for as long as the job says, and then has its
// effect, under the key of the job at every attempt.
type worker struct {
	witness *witness
	log     *slog.Logger
}

var _ asynq.Handler = (*worker)(nil)

func newWorker(set settings, log *slog.Logger) *worker {
	return &worker{newWitness(set.witness, set.token, log), log}
}

// ProcessTask is called by asynq, at least once for each task. It ends when the
// context does: asynq has taken the task back then, or another worker may.
func (w *worker) ProcessTask(ctx context.Context, task *asynq.Task) error {
	key, _ := asynq.GetTaskID(ctx)
	retried, _ := asynq.GetRetryCount(ctx)
	err := w.process(ctx, effect{Key: key, Attempt: retried + 1}, task.Payload())
	if err != nil {
		w.log.Warn("a task has failed", "task", key, "attempt", retried+1, "error", err)
	}
	return err
}

func (w *worker) process(ctx context.Context, e effect, body []byte) error {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return fmt.Errorf("decode the payload: %w: %w", err, asynq.SkipRetry)
	}
	if p.WorkMS < 0 {
		return fmt.Errorf("work for %d ms: nobody can: %w", p.WorkMS, asynq.SkipRetry)
	}
	if err := pause(ctx, time.Duration(p.WorkMS)*time.Millisecond); err != nil {
		return err
	}
	e.Subject, e.Kind = p.Subject, "once"
	err := w.witness.report(ctx, e)
	if errors.Is(err, errRefused) {
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	return err
}

// pause waits, or returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
