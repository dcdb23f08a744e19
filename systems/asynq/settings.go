package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/hibiken/asynq"
)

// settings are what a replica is started with.
type settings struct {
	listen  string
	redis   asynq.RedisConnOpt
	witness *url.URL
	token   string

	// As asynq ships where they are zero.
	concurrency   int
	retryDelay    time.Duration
	delayedCheck  time.Duration
	taskCheck     time.Duration
	shutdownLimit time.Duration

	retention time.Duration
}

// readSettings reads where everything is from the environment, and how asynq is
// set up from the flags.
func readSettings(args []string, lookup func(string) (string, bool)) (settings, error) {
	var set settings
	flags := flag.NewFlagSet("asynq", flag.ContinueOnError)
	flags.IntVar(&set.concurrency, "concurrency", 0, "tasks at a time (asynq: as many as there are cores)")
	flags.DurationVar(&set.retryDelay, "retry-delay", 0, "from a failure to the retry, between half and one and a half of it (asynq: exponential, from 15s)")
	flags.DurationVar(&set.delayedCheck, "delayed-task-check-interval", 0, "between two looks for retries that are due (asynq: 5s)")
	flags.DurationVar(&set.taskCheck, "task-check-interval", 0, "between two looks into an empty queue (asynq: 1s)")
	flags.DurationVar(&set.shutdownLimit, "shutdown-timeout", 0, "for tasks at hand when told to stop (asynq: 8s)")
	flags.DurationVar(&set.retention, "retention", time.Hour, "how long a completed task is kept, and its key known")
	if err := flags.Parse(args); err != nil {
		return set, err
	}
	if flags.NArg() > 0 {
		return set, fmt.Errorf("argument %q: only flags are expected", flags.Arg(0))
	}
	var wrong []error
	variable := func(name string) string {
		value, ok := lookup(name)
		if !ok || value == "" {
			wrong = append(wrong, fmt.Errorf("%s is not set", name))
		}
		return value
	}
	set.listen = variable("LISTEN")
	set.token = variable("WITNESS_TOKEN")
	redis, witness := variable("REDIS_URL"), variable("WITNESS_URL")
	if len(wrong) > 0 {
		return set, fmt.Errorf("read the environment: %w", errors.Join(wrong...))
	}
	var err error
	if set.redis, err = asynq.ParseRedisURI(redis); err != nil {
		return set, errors.New("REDIS_URL: expected redis://:PASSWORD@HOST:PORT/DB") // the error itself has the password
	}
	if set.witness, err = url.Parse(witness); err != nil {
		return set, fmt.Errorf("WITNESS_URL: %w", err)
	}
	return set, nil
}

// config is the configuration of asynq's server. What was not asked for is left
// to asynq.
func (s settings) config(log *slog.Logger) (asynq.Config, error) {
	config := asynq.Config{
		Concurrency:              s.concurrency,
		DelayedTaskCheckInterval: s.delayedCheck,
		ShutdownTimeout:          s.shutdownLimit,
		Logger:                   logger{log},
	}
	if s.retryDelay > 0 {
		config.RetryDelayFunc = func(int, error, *asynq.Task) time.Duration {
			return s.retryDelay/2 + rand.N(s.retryDelay) // not all at once to the first worker who looks
		}
	}
	return config, s.setTaskCheck(&config)
}
