package local_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local"
)

const (
	operations = 500
	operators  = 2                     // carry them out side by side
	allowed    = 5 * time.Second       // for one operation
	recovery   = 10 * time.Second      // for traffic to flow again, and for leftovers to go
	bound      = 90 * time.Second      // for the whole test: a hang, not a busy machine
	breath     = 15 * time.Millisecond // longest rest between two operations of one operator
	bulk       = 16 << 20              // bytes, more than what buffers on the way hold
)

// TestLinksSurviveAnything breaks and mends links and processes at random under
// traffic. Whatever happened, all of it must work again afterwards.
func TestLinksSurviveAnything(t *testing.T) {
	seed := stressSeed(t)
	hung := time.AfterFunc(bound, func() {
		debug.SetTraceback("all")
		panic(fmt.Sprintf("seed %d: the test hangs, it is not done after %v", seed, bound))
	})
	t.Cleanup(func() { hung.Stop() })
	files := openFiles(t)
	t.Cleanup(func() { settles(t, "open files after Close", func() int { return openFiles(t) }, files+2) })

	begin := time.Now()
	s := newStorm(t)
	goroutines, inUse := steady(runtime.NumGoroutine), openFiles(t)
	end := s.startTraffic(t)
	s.carryOut(t, s.plan(rand.New(rand.NewPCG(seed, 0))))
	s.mend(t)
	s.requireTraffic(t)
	end()
	settles(t, "goroutines", runtime.NumGoroutine, goroutines)
	settles(t, "open files", func() int { return openFiles(t) }, inUse+2)

	t.Logf("%d operations in %v, the slowest took %v; %d conversations came to their end, %d were cut, %d found a peer that did not read",
		operations, time.Since(begin).Round(time.Millisecond), time.Duration(s.slowest.Load()).Round(time.Microsecond),
		s.whole.Load(), s.cut.Load(), s.clogged.Load())
	require.Positive(t, s.whole.Load())
	require.Positive(t, s.cut.Load())
	require.Positive(t, s.clogged.Load())
}

// seedEnv repeats the operations of a run that logged this seed.
const seedEnv = "LOCAL_TEST_SEED"

func stressSeed(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text, given := os.LookupEnv(seedEnv); given {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, seedEnv)
	}
	t.Logf("%s=%d", seedEnv, seed)
	return seed
}

// storm is what the operations break and mend: a Redis and a replica, each
// behind two links.
type storm struct {
	processes []drills.Process
	links     []drills.Link
	traffic   []conversation

	slowest             atomic.Int64
	whole, cut, clogged atomic.Int64 // conversations
}

func newStorm(t *testing.T) *storm {
	t.Helper()
	sub := newSubstrate(t, openProvider(t, local.Config{}))
	redis, err := sub.Store(t.Context(), "redis", drills.RoleRedis)
	require.NoError(t, err)
	replica, err := sub.Launch(t.Context(), replicaSpec("replica-1"))
	require.NoError(t, err)
	api := replica.(drills.Ported).Addr("API_ADDR")
	awaitAnswer(t, api)

	s := &storm{processes: []drills.Process{redis, replica}}
	withRedis, withReplica := redisTalk(t, redis), replicaTalk()
	for range 2 {
		s.link(t, sub, redis.Addr(), withRedis)
		s.link(t, sub, api, withReplica)
	}
	return s
}

func (s *storm) link(t *testing.T, sub drills.Substrate, upstream string, talk []conversation) {
	t.Helper()
	l, err := sub.Link(t.Context(), drills.LinkSpec{From: "clients", To: upstream, Upstream: upstream})
	require.NoError(t, err)
	s.links = append(s.links, l)
	for _, c := range talk {
		c.addr = l.Addr()
		s.traffic = append(s.traffic, c)
	}
}

// operation is one call that must return before its deadline.
type operation struct {
	name string
	rest time.Duration // before it
	do   func(context.Context) error
}

func (s *storm) plan(r *rand.Rand) []operation {
	plan := make([]operation, operations)
	for i := range plan {
		l, p := s.links[r.IntN(len(s.links))], s.processes[r.IntN(len(s.processes))]
		d, pauser := degradation(r), p.(drills.Pauser)
		op := operation{rest: time.Duration(r.Int64N(int64(breath)))}
		switch dice := r.IntN(100); {
		case dice < 45: // more often than heal: links are bad in several ways at once
			op.name = fmt.Sprintf("degrade %s: %+v", l.Addr(), d)
			op.do = func(ctx context.Context) error { return l.Degrade(ctx, d) }
		case dice < 70:
			op.name, op.do = "heal "+l.Addr(), l.Heal
		case dice < 85:
			op.name, op.do = "pause "+p.Info().Name, pauser.Pause
		default:
			op.name, op.do = "resume "+p.Info().Name, pauser.Resume
		}
		plan[i] = op
	}
	return plan
}

func degradation(r *rand.Rand) drills.Degradation {
	// What is slow comes twice, because the rest leaves it nothing to carry.
	kinds := []drills.DegradationKind{
		drills.BlackHole, drills.Stall, drills.Refuse, drills.Reset, drills.Limit,
		drills.Latency, drills.Bandwidth, drills.Slice, drills.Latency, drills.Bandwidth, drills.Slice,
	}
	directions := []drills.Direction{drills.Both, drills.Requests, drills.Replies}
	// Only what its kind asks for is looked at.
	d := drills.Degradation{
		Kind: kinds[r.IntN(len(kinds))], Direction: directions[r.IntN(len(directions))],
		Delay: time.Millisecond + time.Duration(r.Int64N(int64(40*time.Millisecond))),
		Rate:  1 + r.IntN(1<<20), Size: 1 + r.IntN(1500), Bytes: 1 + r.IntN(100_000),
	}
	d.Jitter = time.Duration(r.Int64N(int64(d.Delay)))
	return d
}

func (s *storm) carryOut(t *testing.T, plan []operation) {
	t.Helper()
	next := make(chan operation)
	var all sync.WaitGroup
	for range operators {
		all.Go(func() {
			for op := range next {
				rest(t.Context(), op.rest)
				s.perform(t, op)
			}
		})
	}
	for _, op := range plan {
		next <- op
	}
	close(next)
	all.Wait()
}

func (s *storm) perform(t *testing.T, op operation) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), allowed)
	defer cancel()
	begin := time.Now()
	assert.NoError(t, op.do(ctx), op.name)
	took := time.Since(begin)
	assert.Less(t, took, allowed, op.name)
	for slowest := s.slowest.Load(); int64(took) > slowest && !s.slowest.CompareAndSwap(slowest, int64(took)); {
		slowest = s.slowest.Load()
	}
}

func (s *storm) mend(t *testing.T) {
	t.Helper()
	for _, l := range s.links {
		s.perform(t, operation{name: "heal " + l.Addr() + " at the end", do: l.Heal})
	}
	for _, p := range s.processes {
		s.perform(t, operation{name: "resume " + p.Info().Name + " at the end", do: p.(drills.Pauser).Resume})
	}
}

// requireTraffic holds every conversation to its end on every link.
func (s *storm) requireTraffic(t *testing.T) {
	t.Helper()
	for _, c := range s.traffic {
		c.patience, c.rounds = recovery, 1
		require.NoError(t, s.retry(t.Context(), c), "%s through %s is not possible any more", c.name, c.addr)
	}
}

func (s *storm) retry(ctx context.Context, c conversation) (err error) {
	ctx, cancel := context.WithTimeout(ctx, recovery)
	defer cancel()
	for ctx.Err() == nil {
		if err = c.hold(ctx); err == nil || errors.Is(err, errGarbled) {
			return err
		}
		rest(ctx, breath)
	}
	return err
}
