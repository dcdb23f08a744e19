package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Generation names the stretch of time over which nothing in Redis can have
// been lost: "<run id of the server>.<random>". It begins a new one where the
// data is gone or the server has been started anew; only a leader calls it.
func (s *Stream) Generation(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	info, err := s.redis.Info(ctx, "server").Result()
	if err != nil {
		return "", fmt.Errorf("read the run id of Redis: %w", err)
	}
	run := runID(info)
	current, err := s.redis.Get(ctx, GenerationKey).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("read generation: %w", err)
	}
	if strings.HasPrefix(current, run+".") {
		return current, nil
	}
	next := run + "." + rand.Text()
	if err := s.redis.Set(ctx, GenerationKey, next, 0).Err(); err != nil {
		return "", fmt.Errorf("begin generation: %w", err)
	}
	return next, nil
}

func runID(info string) string {
	_, after, _ := strings.Cut(info, "run_id:")
	id, _, _ := strings.Cut(after, "\r\n")
	return id
}

// Lag is for how long the oldest entry not yet delivered has been waiting, by
// the clock of Redis: zero where none waits. What was published longer ago
// than that has been delivered, or is lost.
func (s *Stream) Lag(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	groups, err := s.redis.XInfoGroups(ctx, StreamKey).Result()
	if err != nil && !strings.Contains(err.Error(), "no such key") {
		return 0, fmt.Errorf("read consumer groups: %w", err)
	}
	delivered := "-"
	for _, g := range groups {
		if g.Name == GroupName {
			delivered = "(" + g.LastDeliveredID
		}
	}
	waiting, err := s.redis.XRangeN(ctx, StreamKey, delivered, "+", 1).Result()
	if err != nil {
		return 0, fmt.Errorf("read the oldest waiting entry: %w", err)
	}
	if len(waiting) == 0 {
		return 0, nil
	}
	now, err := s.redis.Time(ctx).Result()
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
