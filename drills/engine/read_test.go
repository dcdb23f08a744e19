package engine_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/faults"
)

// telling is a toy that can be asked what became of its jobs.
type telling struct {
	*toy
	says func(replica, key string, question int) (drills.JobState, error)

	mu    sync.Mutex
	asked map[string]int // by key
}

func (c *telling) Open(ctx context.Context, replica string) (drills.Client, error) {
	conn, err := c.toy.Open(ctx, replica)
	return teller{conn, c, replica}, err
}

type teller struct {
	drills.Client
	of      *telling
	replica string
}

func (t teller) Read(_ context.Context, key, _ string) (drills.JobState, error) {
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	t.of.asked[key]++
	return t.of.says(t.replica, key, t.of.asked[key])
}

// read is what is said of the jobs of a load, and their number.
func read(t *testing.T, says func(replica, key string, question int) (drills.JobState, error), step string) (told, silent []history.Read, acknowledged int, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &telling{toy: newToy(t), says: says, asked: map[string]int{}}
		events, err := followWith(t, t.Context(), c.toy, engine.Config{
			Scenario: script("load jobs rate=200/s for=200ms", "drain", step), Faults: faults.All(), Seed: 1, Cluster: c,
		})
		require.NoError(t, err)
		for _, phase := range []history.Phase{history.OK, history.Info} {
			for _, e := range of(events, history.OpRead, phase) {
				detail, err := history.Decode[history.Read](&e)
				require.NoError(t, err)
				require.Equal(t, "job/"+e.Key, detail.Subject)
				require.Equal(t, phase == history.Info, e.Err != "", e.Err)
				if phase == history.OK {
					told = append(told, detail)
				} else {
					silent = append(silent, detail)
				}
			}
		}
		acknowledged = len(of(events, history.OpSubmit, history.OK))
		steps := append(of(events, history.OpStep, history.Invoke), of(events, history.OpStep, history.OK)...)
		took = steps[len(steps)-1].At - steps[2].At
	})
	return told, silent, acknowledged, took
}

func done(string, string, int) (drills.JobState, error) { return drills.JobDone, nil }

func TestEachAcknowledgedJobIsAskedAboutReplicaByReplica(t *testing.T) {
	told, silent, acknowledged, _ := read(t, done, "read jobs")
	require.Empty(t, silent)
	require.Len(t, told, acknowledged)
	by := map[string]int{}
	for _, r := range told {
		require.Equal(t, history.ToldDone, r.State)
		by[r.Replica]++
	}
	require.Len(t, by, 3)
	for replica, n := range by {
		require.InDelta(t, acknowledged/3, n, 1, replica)
	}
}

func TestASampleIsDrawn(t *testing.T) {
	told, _, acknowledged, _ := read(t, done, "read jobs sample=7")
	require.Len(t, told, 7)
	require.Greater(t, acknowledged, 7)
	again, _, _, _ := read(t, done, "read jobs sample=7")
	require.ElementsMatch(t, told, again, "from the seed")
}

func TestTheNextReplicaIsAskedWhereOneDoesNotTell(t *testing.T) {
	told, silent, acknowledged, _ := read(t, func(replica, _ string, _ int) (drills.JobState, error) {
		switch replica {
		case "replica-1":
			return "", errors.New("503")
		case "replica-2":
			return "nearly", nil
		}
		return drills.JobDead, nil
	}, "read jobs")
	require.Empty(t, silent)
	require.Len(t, told, acknowledged)
	for _, r := range told {
		require.Equal(t, history.Read{Subject: r.Subject, State: history.ToldDead, Replica: "replica-3", Attempts: r.Attempts}, r)
		require.LessOrEqual(t, r.Attempts, 3)
	}
}

func TestWhatNobodyTellsIsWrittenDownInTime(t *testing.T) {
	told, silent, acknowledged, took := read(t, func(string, string, int) (drills.JobState, error) { return "", errors.New("503") }, "read jobs")
	require.Empty(t, told)
	require.Len(t, silent, acknowledged)
	require.Less(t, took, 21*time.Second)
	for _, r := range silent {
		require.Empty(t, r.State)
	}
}

func TestAJobThatIsToldOpenIsAskedAboutAgain(t *testing.T) {
	told, _, _, _ := read(t, func(_, _ string, question int) (drills.JobState, error) {
		if question < 3 {
			return drills.JobOpen, nil
		}
		return drills.JobDone, nil
	}, "read jobs sample=5")
	for _, r := range told {
		require.Equal(t, history.ToldDone, r.State, "at last")
		require.Equal(t, 3, r.Attempts)
	}
	told, silent, acknowledged, took := read(t, func(string, string, int) (drills.JobState, error) { return drills.JobOpen, nil }, "read jobs")
	require.Empty(t, silent)
	require.Len(t, told, acknowledged)
	for _, r := range told {
		require.Equal(t, history.ToldOpen, r.State)
	}
	require.Less(t, took, 4*time.Second, "for all of them together")
}

func TestASystemThatCannotBeAskedIsWrittenDown(t *testing.T) {
	events, err := follow(t, newToy(t), faults.All(), 1, "load jobs rate=200/s for=50ms", "drain", "read jobs")
	require.NoError(t, err, "what cannot be known is the gate's to say")
	silent := of(events, history.OpRead, history.Info)
	require.Len(t, silent, 1)
	require.Contains(t, silent[0].Err, "cannot be asked")
	require.Empty(t, of(events, history.OpRead, history.OK))
}
