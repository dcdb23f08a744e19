package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// maxWorkers is how many jobs a replica works at a time. River has no default
// for it; its own examples say 100.
const maxWorkers = 100

// settings are what the environment says.
type settings struct {
	listen, name             string
	database                 string
	witnessURL, witnessToken string
	river                    river.Config // what is zero is River's own default
}

// readSettings reads the environment. What concerns River is optional, and
// stands for the field of its configuration with the same name.
func readSettings(getenv func(string) string) (settings, error) {
	var s settings
	var errs []error
	texts := []struct {
		variable string
		into     *string
	}{
		{"LISTEN", &s.listen},
		{"REPLICA", &s.name},
		{"DATABASE_URL", &s.database},
		{"WITNESS_URL", &s.witnessURL},
		{"WITNESS_TOKEN", &s.witnessToken},
	}
	for _, t := range texts {
		if *t.into = getenv(t.variable); *t.into == "" {
			errs = append(errs, fmt.Errorf("%s is not set", t.variable))
		}
	}
	var retryAfter time.Duration
	durations := []struct {
		variable string
		into     *time.Duration
	}{
		{"FETCH_COOLDOWN", &s.river.FetchCooldown},
		{"FETCH_POLL_INTERVAL", &s.river.FetchPollInterval},
		{"JOB_TIMEOUT", &s.river.JobTimeout},
		{"RESCUE_STUCK_JOBS_AFTER", &s.river.RescueStuckJobsAfter},
		{"RETRY_AFTER", &retryAfter},
	}
	for _, d := range durations {
		text := getenv(d.variable)
		if text == "" {
			continue
		}
		var err error
		if *d.into, err = time.ParseDuration(text); err != nil || *d.into <= 0 {
			errs = append(errs, fmt.Errorf("%s is %q: want a positive duration such as 500ms", d.variable, text))
		}
	}
	if retryAfter > 0 {
		s.river.RetryPolicy = constantRetry(retryAfter)
	}
	return s, errors.Join(errs...)
}

// constantRetry is a retry policy that waits as long after every attempt.
type constantRetry time.Duration

func (r constantRetry) NextRetry(*rivertype.JobRow) time.Time {
	return time.Now().Add(time.Duration(r))
}
