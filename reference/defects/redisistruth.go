package defects

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/drillrun/drillrun/reference/api"
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/queue"
	"github.com/drillrun/drillrun/reference/worker"
)

// submissionsKey is the list of what was submitted and has no row yet.
const submissionsKey = "{controlplane}:submissions"

// redisIsTruth acknowledges a submission once it is in a list of Redis. A
// worker of the default lane that has slots to spare gives it its row.
func redisIsTruth() Defect {
	return Defect{
		Name:      "redis-is-truth",
		Wrong:     "a submission is acknowledged once Redis has it",
		Origin:    cloudReview,
		Symptom:   "acknowledged jobs are gone with the data of Redis",
		Gate:      "lost",
		Scenarios: []string{"redis-flush-backlog", "redis-flush"},
		Break: func(_ controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			s := submissions{Jobs: p.Jobs, redis: d.Redis}
			p.Jobs = s
			lane := p.Lanes[jobs.DefaultLane]
			lane.Stream = fedQueue{Queue: lane.Stream, submissions: s}
		},
	}
}

type submissions struct {
	api.Jobs
	redis *redis.Client
}

// Submit trusts Redis with the submission.
func (s submissions) Submit(ctx context.Context, sub jobs.Submission) (jobs.Job, bool, error) {
	sub, err := sub.Normalize()
	if err != nil {
		return jobs.Job{}, false, err
	}
	text, err := json.Marshal(sub)
	if err == nil {
		err = s.redis.RPush(ctx, submissionsKey, text).Err()
	}
	if err != nil {
		return jobs.Job{}, false, fmt.Errorf("submit %s: %w", sub.Key, err)
	}
	return jobs.Job{Key: sub.Key, State: jobs.Queued}, true, nil
}

// take gives the n oldest submissions their rows, and removes those that have
// one from the list.
func (s submissions) take(ctx context.Context, n int) error {
	texts, err := s.redis.LRange(ctx, submissionsKey, 0, int64(n)-1).Result()
	if err != nil {
		return fmt.Errorf("read submissions: %w", err)
	}
	for _, text := range texts {
		var sub jobs.Submission
		err := json.Unmarshal([]byte(text), &sub)
		if err == nil {
			_, _, err = s.Jobs.Submit(ctx, sub)
		}
		if err != nil && !errors.Is(err, jobs.ErrConflict) {
			return fmt.Errorf("take submission: %w", err)
		}
		if err := s.redis.LRem(ctx, submissionsKey, 1, text).Err(); err != nil {
			return fmt.Errorf("remove submission %s: %w", sub.Key, err)
		}
	}
	return nil
}

// fedQueue looks for submissions before it waits for entries.
type fedQueue struct {
	worker.Queue
	submissions submissions
}

// Receive takes submissions first.
func (q fedQueue) Receive(ctx context.Context, n int, block time.Duration) ([]queue.Entry, error) {
	if err := q.submissions.take(ctx, n); err != nil {
		return nil, err
	}
	return q.Queue.Receive(ctx, n, block)
}
