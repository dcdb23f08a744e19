package drilltest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/drillrun/drillrun/drills"
)

const (
	// again is the time between two looks.
	again = 10 * time.Millisecond
	// quiet is for how long nothing may come of what has been cut off, until what
	// was under way is taken to have arrived.
	quiet = 300 * time.Millisecond
	// toldLines is how much is told of a log.
	toldLines = 10
)

// patience is for how long something may be missing that must happen.
var patience = 20 * time.Second

// misses is a failure in two lines: what the adapter misses, and what to do. The
// arguments are of the first.
func misses(what, do string, args ...any) string {
	return fmt.Sprintf(what, args...) + "\n    to do: " + do
}

// within looks until there is nothing to complain of, and returns the last
// complaint if that takes too long.
func within(limit time.Duration, look func() error) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	next := time.NewTicker(again)
	defer next.Stop()
	for {
		err := look()
		if err == nil {
			return nil
		}
		select {
		case <-next.C:
		case <-deadline.C:
			return fmt.Errorf("after %v: %w", limit.Round(time.Millisecond), err)
		}
	}
}

// watch looks for a while, and returns the first complaint.
func watch(during time.Duration, look func() error) error {
	end := time.NewTimer(during)
	defer end.Stop()
	next := time.NewTicker(again)
	defer next.Stop()
	for {
		if err := look(); err != nil {
			return err
		}
		select {
		case <-next.C:
		case <-end.C:
			return look()
		}
	}
}

// noError ends the test for what is neither the adapter's fault nor expected.
func noError(t *testing.T, err error, what string) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// lastLines is the end of what a process has printed.
func lastLines(t *testing.T, p drills.Process) string {
	logs, err := p.Logs(t.Context())
	if err != nil {
		return err.Error()
	}
	text, err := io.ReadAll(logs)
	if err = errors.Join(err, logs.Close()); err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-toldLines):], "\n")
}
