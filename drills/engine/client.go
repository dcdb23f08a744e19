package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

const (
	// attemptTimeout is how long a client waits for one replica before it asks
	// the next one.
	attemptTimeout = 500 * time.Millisecond
	// giveUp is how long a client tries to get one submission acknowledged.
	giveUp = 10 * time.Second
	// A client rests once every replica has failed it, for a time drawn from up
	// to twice as much as before: it must not keep an overloaded system down.
	shortestRest = 20 * time.Millisecond
	longestRest  = time.Second
)

// client is one customer of the system: it keeps to the replica that served it
// last, and asks the next one, with the same key, when that fails.
type client struct {
	log      *history.Log
	own      func(what string, err error) error // see Drill.own
	actor    string
	replicas []string
	conns    []drills.Client // by replica

	mu sync.Mutex
	at int // index of the replica that served last
}

// openClient opens a client that prefers one of the replicas, the at-th in turn.
// It is to be closed with an error, too.
func (d *Drill) openClient(ctx context.Context, actor string, at int) (*client, error) {
	c := &client{log: d.cfg.Log, own: d.own, actor: actor}
	for _, p := range d.cfg.Cluster.Processes() {
		info := p.Info()
		if info.Role != drills.RoleReplica {
			continue
		}
		conn, err := d.cfg.Cluster.Open(ctx, info.Name)
		if err != nil {
			return c, fmt.Errorf("open a client of %s: %w", info.Name, err)
		}
		c.replicas, c.conns = append(c.replicas, info.Name), append(c.conns, conn)
	}
	if len(c.replicas) == 0 {
		return c, errors.New("the system has no replica to ask")
	}
	c.at = at % len(c.replicas)
	return c, nil
}

// submit gets one submission acknowledged, or gives up. What it ended with is
// "fail" only where every replica asked was certain that nothing happened.
func (c *client) submit(ctx context.Context, op drills.Op, intended time.Duration) {
	detail := submission(op, intended)
	c.note(op, history.Invoke, detail, nil)
	phase, rest := history.Fail, shortestRest
	var err error
	for at := c.preferred(); ; at = (at + 1) % len(c.replicas) {
		detail.Attempts++
		detail.Replica = c.replicas[at]
		if err = c.attempt(ctx, at, op); err == nil {
			c.prefer(at)
			c.note(op, history.OK, detail, nil)
			return
		}
		if !errors.Is(err, drills.ErrRejected) {
			phase = history.Info
		}
		if detail.Attempts%len(c.replicas) != 0 {
			continue
		}
		if c.log.Now()-intended > giveUp || Pause(ctx, rand.N(rest)) != nil {
			break
		}
		rest = min(2*rest, longestRest)
	}
	c.note(op, phase, detail, fmt.Errorf("gave up after %d attempts: %w", detail.Attempts, err))
}

// submission is what is recorded of a submission before anybody is asked.
func submission(op drills.Op, intended time.Duration) history.Submit {
	return history.Submit{Subject: op.Subject, Intended: intended, ConcurrencyKey: op.ConcurrencyKey, Kind: op.Kind}
}

func (c *client) attempt(ctx context.Context, at int, op drills.Op) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	_, err := c.conns[at].Do(ctx, op)
	return c.own("ask a replica", err)
}

func (c *client) preferred() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *client) prefer(at int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

func (c *client) note(op drills.Op, phase history.Phase, detail history.Submit, err error) {
	e := history.Event{Actor: c.actor, Op: history.OpSubmit, Phase: phase, Key: op.Key, Detail: history.SubmitDetail(detail)}
	if err != nil {
		e.Err = err.Error()
	}
	c.log.Append(e)
}

func (c *client) close() error {
	var errs []error
	for _, conn := range c.conns {
		errs = append(errs, conn.Close())
	}
	return errors.Join(errs...)
}
