package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/drillrun/drillrun/reference/jobs"
)

// Job is what is published of a job.
type Job struct {
	ID   int64
	Kind string // decides on the lane
}

// Feed is the leader's end of the queue: all lanes together.
type Feed struct {
	redis *redis.Client
	limit time.Duration
}

// NewFeed returns the leader's end. Each call takes at most limit.
func NewFeed(client *redis.Client, limit time.Duration) *Feed {
	return &Feed{redis: client, limit: limit}
}

// Publish appends one entry per job to its kind's lane, all or nothing, in
// order within each lane. It returns the generation in which that happened.
// After an error it may have happened.
func (f *Feed) Publish(ctx context.Context, list []Job) (generation string, err error) {
	ctx, cancel := context.WithTimeout(ctx, f.limit)
	defer cancel()
	var current *redis.StringCmd
	_, err = f.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		current = p.Get(ctx, GenerationKey)
		for _, job := range list {
			p.XAdd(ctx, &redis.XAddArgs{
				Stream: StreamKey(jobs.LaneOf(job.Kind)), Values: []string{jobField, strconv.FormatInt(job.ID, 10)},
			})
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("publish %d entries: %w", len(list), err)
	}
	// No generation yet: the empty one differs from every other.
	return current.Val(), nil
}

// Lag is for how long the oldest entry not yet delivered has been waiting in
// any lane, by the clock of Redis: zero where none waits. What was published
// longer ago than that has been delivered, or is lost.
func (f *Feed) Lag(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, f.limit)
	defer cancel()
	var longest time.Duration
	for _, lane := range jobs.Lanes() {
		lag, err := f.lagOf(ctx, StreamKey(lane))
		if err != nil {
			return 0, fmt.Errorf("lag of lane %s: %w", lane, err)
		}
		longest = max(longest, lag)
	}
	return longest, nil
}

// lagOf is the lag of one stream.
func (f *Feed) lagOf(ctx context.Context, key string) (time.Duration, error) {
	groups, err := f.redis.XInfoGroups(ctx, key).Result()
	if err != nil && !strings.Contains(err.Error(), "no such key") {
		return 0, fmt.Errorf("read consumer groups: %w", err)
	}
	delivered := "-"
	for _, g := range groups {
		if g.Name == GroupName {
			delivered = "(" + g.LastDeliveredID
		}
	}
	waiting, err := f.redis.XRangeN(ctx, key, delivered, "+", 1).Result()
	if err != nil {
		return 0, fmt.Errorf("read the oldest waiting entry: %w", err)
	}
	if len(waiting) == 0 {
		return 0, nil
	}
	now, err := f.redis.Time(ctx).Result()
	if err != nil {
		return 0, fmt.Errorf("read the clock of Redis: %w", err)
	}
	millis, _, _ := strings.Cut(waiting[0].ID, "-")
	since, err := strconv.ParseInt(millis, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the time of entry %s: %w", waiting[0].ID, err)
	}
	return max(now.Sub(time.UnixMilli(since)), 0), nil
}
