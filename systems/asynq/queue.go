package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/hibiken/asynq"
)

const (
	queueName = "default"
	taskType  = "job"
)

// job is what a client submits.
type job struct {
	Key     string `json:"key"`
	Subject string `json:"subject"`
	Args    struct {
		WorkMS int64 `json:"work_ms"`
	} `json:"args"`
}

// payload is what a worker has to know of a job. Its key is the task's ID.
type payload struct {
	Subject string `json:"subject"`
	WorkMS  int64  `json:"work_ms"`
}

// queue is asynq as a client sees it.
type queue struct {
	client    *asynq.Client
	inspector *asynq.Inspector
	retention time.Duration
}

func openQueue(set settings) *queue {
	return &queue{asynq.NewClient(set.redis), asynq.NewInspector(set.redis), set.retention}
}

// enqueue returns once Redis has the job. The same key is the same job, as long
// as asynq keeps the task: while it is pending or running, while it is archived,
// and for the retention after it is completed.
func (q *queue) enqueue(ctx context.Context, j job) error {
	body, err := json.Marshal(payload{j.Subject, j.Args.WorkMS})
	if err != nil {
		return fmt.Errorf("encode job %s: %w", j.Key, err)
	}
	task := asynq.NewTask(taskType, body)
	_, err = q.client.EnqueueContext(ctx, task, asynq.TaskID(j.Key), asynq.Queue(queueName), asynq.Retention(q.retention))
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue job %s: %w", j.Key, err)
	}
	return nil
}

// state is asynq's word for where the job of that key is.
func (q *queue) state(key string) (string, error) {
	info, err := q.inspector.GetTaskInfo(queueName, key)
	if err != nil {
		return "", fmt.Errorf("ask Redis for job %s: %w", key, err)
	}
	return info.State.String(), nil
}

// ping says whether Redis answers.
func (q *queue) ping() error {
	if _, err := q.inspector.Queues(); err != nil {
		return fmt.Errorf("ask Redis for the queues: %w", err)
	}
	return nil
}

// counts are what the queue holds, by the names that drillrun gives them.
type counts struct {
	Unfinished  int `json:"unfinished"`   // neither completed nor archived
	DeadLetters int `json:"dead_letters"` // archived
	Pending     int `json:"pending"`      // handed to a worker
	Queued      int `json:"queued"`       // waiting for one
	Goroutines  int `json:"goroutines"`   // of this replica
}

// inspect counts the tasks. A queue comes into being with its first task, and
// asynq has no error of its own for one that is not there.
func (q *queue) inspect() (counts, error) {
	found := counts{Goroutines: runtime.NumGoroutine()}
	queues, err := q.inspector.Queues()
	if err != nil {
		return found, fmt.Errorf("ask Redis for the queues: %w", err)
	}
	if !slices.Contains(queues, queueName) {
		return found, nil
	}
	info, err := q.inspector.GetQueueInfo(queueName)
	if err != nil {
		return found, fmt.Errorf("inspect the queue: %w", err)
	}
	found.Queued = info.Pending + info.Scheduled + info.Retry
	found.Pending = info.Active
	found.Unfinished = found.Pending + found.Queued
	found.DeadLetters = info.Archived
	return found, nil
}

func (q *queue) close() error {
	return errors.Join(q.client.Close(), q.inspector.Close())
}
