package manifest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/drillrun/drillrun/drills"
)

const (
	// readyPoll is how often a starting process is asked whether it is ready.
	readyPoll = 20 * time.Millisecond
	// askTimeout is how long a process may take to say how it is.
	askTimeout = time.Second
	// stays is how long a connection must last to be one to the process: a link
	// takes it before it knows whether there is anybody behind it.
	stays = 100 * time.Millisecond
	// lastLines is how much is told of the log of a process that did not start.
	lastLines = 10
)

// member is a process that the manifest describes, with the links of its own.
type member struct {
	spec    *processSpec
	process drills.Process
	links   []drills.Link
	addrs   map[string]string // of the links in front of it, by port
}

// called says whether a process is called so, or calls itself so.
func (m *member) called(name string) bool {
	if m.process.Info().Name == name {
		return true
	}
	aliased, ok := m.process.(drills.Aliased)
	return ok && slices.Contains(aliased.Aliases(), name)
}

// ready says what is missing for it to take work.
func (m *member) ready(ctx context.Context) error {
	q := m.spec.ready.request
	if len(q.path) == 0 {
		return connects(ctx, m.addrs[q.port])
	}
	_, err := m.ask(ctx, q)
	return err
}

// connects wants a connection that lasts for a moment, or brings something.
func connects(ctx context.Context, addr string) error {
	dialer := net.Dialer{Timeout: askTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Now().Add(stays)); err != nil {
		return errors.Join(err, conn.Close())
	}
	_, err = conn.Read(make([]byte, 1))
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return conn.Close()
	}
	return errors.Join(fmt.Errorf("it takes no connections: %w", err), conn.Close())
}

// ask sends a request that has an answer only if its status is from 200 to 299.
func (m *member) ask(ctx context.Context, q requestSpec) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	probe := newCaller(m.addrs)
	defer probe.close()
	status, answer, err := probe.call(ctx, q, nil)
	if err == nil && (status < 200 || status > 299) {
		err = fmt.Errorf("answer %d %s", status, answer)
	}
	return answer, err
}

// askToEnd sends the request by which it is asked to end. No answer may well be
// one: that it has ended. Whether it was heard is seen by what it does then.
func (m *member) askToEnd(ctx context.Context, q requestSpec) error {
	probe := newCaller(m.addrs)
	defer probe.close()
	status, answer, err := probe.call(ctx, q, nil)
	if err == nil && (status < 200 || status > 299) {
		return fmt.Errorf("asked to end, it answers %d %s", status, answer)
	}
	return nil
}

// awaitReady waits until every one of them is ready. They share the time that
// each may take.
func awaitReady(ctx context.Context, members []*member) error {
	begun := time.Now()
	for _, m := range members {
		within := m.spec.ready.within
		waiting, cancel := context.WithDeadlineCause(ctx, begun.Add(within), fmt.Errorf("it was not ready within %v", within))
		err := m.awaitReady(waiting)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// awaitReady waits until it is ready. Of one that does not get there the end of
// its log is told.
func (m *member) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	name := m.process.Info().Name
	var missing error
	for {
		err := m.ready(ctx)
		if deadline, _ := ctx.Deadline(); missing == nil || time.Now().Before(deadline) {
			missing = err // the deadline cuts the last question short
		}
		switch {
		case err == nil:
			return nil
		case m.process.Info().PID == 0:
			return fmt.Errorf("%s ended while it was starting%s", name, m.told(context.WithoutCancel(ctx)))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: %w%s", name, context.Cause(ctx), missing, m.told(context.WithoutCancel(ctx)))
		case <-tick.C:
		}
	}
}

// told is the end of what it has printed, for an error.
func (m *member) told(ctx context.Context) string {
	logs, err := m.process.Logs(ctx)
	if err != nil {
		return fmt.Sprintf("; its log: %v", err)
	}
	text, err := io.ReadAll(logs)
	if err = errors.Join(err, logs.Close()); err != nil {
		return fmt.Sprintf("; its log: %v", err)
	}
	if len(text) == 0 {
		return "; it printed nothing"
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	lines = lines[max(0, len(lines)-lastLines):]
	return "; its log ends with:\n  " + strings.Join(lines, "\n  ")
}
