package substratetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/substratetest/prober"
)

const (
	// quiet is for how long nothing may happen that must not.
	quiet = 100 * time.Millisecond
	// again is the time between two looks.
	again = 5 * time.Millisecond
	// grace is how long replicas may take to end when they are asked to.
	grace = 10 * time.Second
)

// patience is for how long something may be missing that must happen.
var patience = 20 * time.Second

// eventually looks until there is nothing to complain of.
func eventually(t *testing.T, look func() error, what string) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	next := time.NewTicker(again)
	defer next.Stop()
	for {
		err := look()
		if err == nil {
			return
		}
		select {
		case <-next.C:
		case <-deadline.C:
			require.NoError(t, err, what)
		}
	}
}

// replica is a prober that the substrate runs.
type replica struct {
	drills.Process
	drills.Ported
	control drills.Link // by which it takes orders
	exits   *exits
}

var _ prober.Peer = (*replica)(nil)

// launch starts a replica and waits until it takes orders.
func launch(t *testing.T, sub drills.Substrate, name string, env ...string) *replica {
	t.Helper()
	return launchPatiently(t, sub, name, grace, env...)
}

func launchPatiently(t *testing.T, sub drills.Substrate, name string, grace time.Duration, env ...string) *replica {
	t.Helper()
	spec, err := prober.Spec(name, grace, env...)
	require.NoError(t, err)
	p, err := sub.Launch(t.Context(), spec)
	require.NoError(t, err)
	r := &replica{Process: p, Ported: able[drills.Ported](t, p), exits: &exits{}}
	able[drills.Exiter](t, p).OnExit(r.exits.add)
	r.control = link(t, sub, drills.LinkSpec{From: "clients", To: name, Upstream: r.Addr(prober.ControlPort)})
	r.await(t)
	return r
}

// Do hands an order to the replica.
func (r *replica) Do(ctx context.Context, o prober.Order) (prober.Report, error) {
	return prober.Client(r.control.Addr()).Do(ctx, o)
}

// try is an order that is not given much time.
func (r *replica) try(t *testing.T) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := r.Do(ctx, prober.Order{Verb: prober.About})
	return err
}

// await waits until the replica takes orders.
func (r *replica) await(t *testing.T) {
	t.Helper()
	eventually(t, func() error { return r.try(t) }, r.Info().Name+" takes orders")
}

// requireSilent wants it to answer nothing.
func (r *replica) requireSilent(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), quiet)
	defer cancel()
	_, err := r.Do(ctx, prober.Order{Verb: prober.About})
	require.Error(t, err, "%s answers", r.Info().Name)
}

// environ is the environment that the replica finds itself in.
func (r *replica) environ(t *testing.T) map[string]string {
	t.Helper()
	env := map[string]string{}
	for _, variable := range do(t, r, prober.Order{Verb: prober.About}).Environ {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	return env
}

func (r *replica) start(t *testing.T) {
	t.Helper()
	require.NoError(t, r.Start(t.Context()))
	require.Positive(t, r.Info().PID)
	r.await(t)
}

// exits are the ends of a process, as they are told.
type exits struct {
	mu  sync.Mutex
	all []drills.Exit
}

func (e *exits) add(x drills.Exit) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, x)
}

func (e *exits) told() []drills.Exit {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all)
}

// await gives the n-th end.
func (e *exits) await(t *testing.T, n int) drills.Exit {
	t.Helper()
	eventually(t, func() error {
		if told := len(e.told()); told < n {
			return fmt.Errorf("%d of %d ends have been told", told, n)
		}
		return nil
	}, "an end is told")
	require.Len(t, e.told(), n, "an end is told once")
	return e.told()[n-1]
}

// do has an order carried out that can be.
func do(t *testing.T, p prober.Peer, o prober.Order) prober.Report {
	t.Helper()
	r, err := p.Do(t.Context(), o)
	require.NoError(t, err)
	return r
}

// ask puts a statement to a store that answers.
func ask(t *testing.T, p prober.Peer, url string, statement ...string) string {
	t.Helper()
	r := do(t, p, prober.Order{Verb: prober.Ask, Addr: url, Statement: statement, Within: patience})
	require.Equal(t, prober.Fine, r.End, "%s: %s", statement, r.Detail)
	return r.Answer
}

// harness is a prober of this process.
func harness(t *testing.T) *prober.Prober {
	t.Helper()
	p, err := prober.New(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

func link(t *testing.T, sub drills.Substrate, spec drills.LinkSpec) drills.Link {
	t.Helper()
	l, err := sub.Link(t.Context(), spec)
	require.NoError(t, err)
	from, to := l.Ends()
	require.Equal(t, spec.From, from)
	require.Equal(t, spec.To, to)
	return l
}

// requireRefuses wants nobody to listen at addr.
func requireRefuses(t *testing.T, addr string) {
	t.Helper()
	dialer := net.Dialer{Timeout: patience}
	conn, err := dialer.DialContext(t.Context(), "tcp", addr)
	if err == nil {
		// What stands in front of a dead process may take a connection, to
		// close it at once.
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
		_, err = conn.Read(make([]byte, 1))
		require.NoError(t, conn.Close())
	}
	require.Error(t, err, "somebody still listens at %s", addr)
	netErr, isNet := errors.AsType[net.Error](err)
	require.False(t, isNet && netErr.Timeout(), "%s is silent, and does not refuse", addr)
}

// logs is everything that a process has printed.
func logs(t *testing.T, p drills.Process) string {
	t.Helper()
	r, err := p.Logs(t.Context())
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, errors.Join(err, r.Close()))
	return string(text)
}
