package engine_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/faults"
)

// hang is where submissions wait until it is over, or until they are given up.
type hang struct {
	over chan struct{}

	mu        sync.Mutex
	now, most int // that wait
}

func (h *hang) wait(ctx context.Context) error {
	if h == nil {
		return nil
	}
	h.add(1)
	defer h.add(-1)
	select {
	case <-h.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *hang) add(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now += n
	h.most = max(h.most, h.now)
}

func TestASystemThatHangsIsNotAskedForMoreAndMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		toy := newToy(t)
		toy.hang = &hang{over: make(chan struct{})}
		time.AfterFunc(time.Second, func() { close(toy.hang.over) })
		events, err := follow(t, toy, faults.All(), 1, "load jobs rate=400/s clients=2 for=800ms")
		require.NoError(t, err)
		acknowledged := of(events, history.OpSubmit, history.OK)
		require.Greater(t, len(acknowledged), 200, "whoever queued gets its turn once the system answers")
		require.Len(t, acknowledged, len(of(events, history.OpSubmit, history.Invoke)))
		require.Equal(t, 16, toy.hang.most, "eight at a time of each client")
		longest := time.Duration(0)
		for _, e := range acknowledged {
			submit, err := history.DecodeSubmit(&e)
			require.NoError(t, err)
			longest = max(longest, e.At-submit.Intended)
		}
		require.Greater(t, longest, 900*time.Millisecond, "the wait in the queue counts as latency")
	})
}

func TestWhatQueuesInVainIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		toy := newToy(t)
		toy.hang = &hang{over: make(chan struct{})}
		events, err := follow(t, toy, faults.All(), 1, "load jobs rate=100/s clients=1 for=1s")
		require.NoError(t, err)
		given := of(events, history.OpSubmit, history.Info)
		require.Len(t, given, len(of(events, history.OpSubmit, history.Invoke)))
		queued := 0
		for _, e := range given {
			submit, err := history.DecodeSubmit(&e)
			require.NoError(t, err)
			require.Less(t, e.At-submit.Intended, 15*time.Second)
			if submit.Attempts == 0 {
				queued++
				require.Contains(t, e.Err, "in the queue of its client")
			}
		}
		require.Greater(t, queued, 50)
	})
}

func TestWhatIsRefusedAtOnceIsRefusedToEverybodyWhoQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		toy := newToy(t)
		toy.refuse = fmt.Errorf("full: %w", drills.ErrRejected)
		events, err := follow(t, toy, faults.All(), 1, "load jobs rate=100/s clients=1 for=1s")
		require.NoError(t, err)
		invoked := len(of(events, history.OpSubmit, history.Invoke))
		require.Greater(t, invoked, 50)
		require.Len(t, of(events, history.OpSubmit, history.Fail), invoked)
	})
}

func TestConcurrencyKeysAreDrawnBesideTheJobs(t *testing.T) {
	// The submissions of a load, in the order in which they were begun.
	submitted := func(load string) (jobs []string, keys []string) {
		synctest.Test(t, func(t *testing.T) {
			events, err := follow(t, newToy(t), faults.All(), 1, load)
			require.NoError(t, err)
			for _, e := range of(events, history.OpSubmit, history.Invoke) {
				submit, err := history.DecodeSubmit(&e)
				require.NoError(t, err)
				jobs, keys = append(jobs, fmt.Sprint(submit.Subject, " at ", submit.Intended)), append(keys, submit.ConcurrencyKey)
			}
		})
		return jobs, keys
	}
	const load = "load jobs rate=100/s poison=20% for=2s"
	plain, none := submitted(load)
	keyed, some := submitted(load + " keys=3")
	_, again := submitted(load + " keys=3")
	require.Greater(t, len(plain), 100)
	require.Equal(t, plain, keyed, "with keys and without, a seed gives the same jobs")
	require.Equal(t, some, again)
	require.Equal(t, []string{""}, slices.Compact(none))
	slices.Sort(some)
	require.Equal(t, []string{"key-1", "key-2", "key-3"}, slices.Compact(some))
}

func TestASystemThatRemembersIsGivenNewKeysInEachDrill(t *testing.T) {
	keys := func(lasts bool) (all []string) {
		synctest.Test(t, func(t *testing.T) {
			toy := newToy(t)
			toy.lasts = lasts
			events, err := follow(t, toy, faults.All(), 7, "load jobs rate=100/s for=100ms")
			require.NoError(t, err)
			for _, e := range of(events, history.OpSubmit, history.Invoke) {
				all = append(all, e.Key)
			}
		})
		require.NotEmpty(t, all)
		return all
	}
	first, second := keys(false), keys(false)
	require.Equal(t, first, second, "the same for the same seed")
	first, second = keys(true), keys(true)
	require.NotContains(t, second, first[0])
	require.Len(t, second, len(first), "at the same times")
}
