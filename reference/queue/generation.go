package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Generation names the stretch of time over which nothing in Redis can have
// been lost: "<run id of the server>.<random>". It begins a new one where the
// data is gone or the server has been started anew; only a leader calls it.
func (f *Feed) Generation(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, f.limit)
	defer cancel()
	info, err := f.redis.Info(ctx, "server").Result()
	if err != nil {
		return "", fmt.Errorf("read the run id of Redis: %w", err)
	}
	run := runID(info)
	current, err := f.redis.Get(ctx, GenerationKey).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("read generation: %w", err)
	}
	if strings.HasPrefix(current, run+".") {
		return current, nil
	}
	next := run + "." + rand.Text()
	if err := f.redis.Set(ctx, GenerationKey, next, 0).Err(); err != nil {
		return "", fmt.Errorf("begin generation: %w", err)
	}
	return next, nil
}

func runID(info string) string {
	_, after, _ := strings.Cut(info, "run_id:")
	id, _, _ := strings.Cut(after, "\r\n")
	return id
}
