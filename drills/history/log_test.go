package history_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
)

func create(t *testing.T) (*history.Log, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.jsonl")
	log, err := history.Create(path, history.Header{Scenario: "leader-kill", Seed: 7})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	return log, path
}

// read returns all events, kept, and the error that ended them.
func read(t *testing.T, h *history.History) ([]history.Event, error) {
	t.Helper()
	var events []history.Event
	for e, err := range h.Events() {
		if err != nil {
			require.Zero(t, e)
			return events, err
		}
		events = append(events, e.Clone())
	}
	return events, nil
}

func open(t *testing.T, path string) *history.History {
	t.Helper()
	h, err := history.Open(path)
	require.NoError(t, err)
	return h
}

func TestASealedHistoryReadsBackAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	header := history.Header{
		Started: time.Date(2026, 11, 21, 7, 0, 0, 5, time.UTC), Scenario: "leader-kill", Digest: "d", System: "reference",
		Substrate: "local", Replicas: 3, Seed: 1<<64 - 1, Trial: 2, Settle: 4 * time.Second,
		Guarantees: history.Guarantees{Leader: true, Jobs: true, Effects: "exactly-once", Means: []string{"key", "fencing"}},
		Versions:   map[string]string{"postgres": "15.8"},
	}
	log, err := history.Create(path, header)
	require.NoError(t, err)
	written := []history.Event{
		{Actor: "client/1", Op: history.OpSubmit, Phase: history.Invoke, Key: "k1", Detail: history.SubmitDetail(history.Submit{Subject: "s", Intended: 5})},
		{Actor: "fault/1", Op: history.OpPlan, Phase: history.OK, Detail: history.Detail(history.Fault{Fault: "kill leader", Evidence: map[string]any{"pid": 7.0}})},
		{Actor: "client/1", Op: history.OpSubmit, Phase: history.Info, Key: "k\"\\\n<&>é\u2028\x00", Err: "timeout:\tno answer"},
		{Actor: "engine", Op: history.OpEnd, Phase: history.OK},
	}
	for i := range written {
		before := log.Now()
		written[i].Seq = log.Append(written[i])
		require.EqualValues(t, i+1, written[i].Seq)
		require.LessOrEqual(t, before, log.Now())
	}
	require.NoError(t, log.Seal())
	require.NoError(t, log.Err())

	h := open(t, path)
	header.Schema = history.SchemaVersion
	require.Equal(t, header, h.Header())
	require.Equal(t, path, h.Path())
	for range 2 { // a history can be read again
		events, err := read(t, h)
		require.NoError(t, err)
		require.Len(t, events, len(written))
		var at time.Duration
		for i, e := range events {
			require.GreaterOrEqual(t, e.At, at)
			at, e.At = e.At, 0
			require.Equal(t, written[i], e)
		}
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestALogNeverReplacesAFile(t *testing.T) {
	_, path := create(t)
	_, err := history.Create(path, history.Header{})
	require.ErrorIs(t, err, os.ErrExist)
}

func TestADetailWithLineBreaksStaysOnOneLine(t *testing.T) {
	log, path := create(t)
	log.Append(history.Event{Actor: "a", Op: "o", Phase: history.OK, Detail: json.RawMessage("{\n  \"a\": [1, 2]\n}")})
	require.NoError(t, log.Seal())
	events, err := read(t, open(t, path))
	require.NoError(t, err)
	require.JSONEq(t, `{"a":[1,2]}`, string(events[0].Detail))
}

func TestWhatAReaderWouldRefuseIsNotWritten(t *testing.T) {
	for name, e := range map[string]history.Event{
		"a detail that is not JSON": {Actor: "a", Op: "o", Phase: history.OK, Detail: json.RawMessage(`{"a":`)},
		"two values as one detail":  {Actor: "a", Op: "o", Phase: history.OK, Detail: json.RawMessage(`1,2`)},
		"an unknown phase":          {Actor: "a", Op: "o", Phase: "maybe"},
		"an event of 17 MiB":        {Actor: "a", Op: "o", Phase: history.OK, Err: strings.Repeat("x", 17<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			log, path := create(t)
			require.EqualValues(t, 1, log.Append(effectEvent("k1")))
			require.Zero(t, log.Append(e))
			require.ErrorContains(t, log.Err(), "append o")
			require.Zero(t, log.Append(effectEvent("k2")), "the error is sticky")
			require.ErrorIs(t, log.Seal(), log.Err())

			events, err := read(t, open(t, path))
			require.ErrorIs(t, err, history.ErrUnsealed)
			require.Len(t, events, 1)
		})
	}
}

func TestAppendAfterSealIsAStickyError(t *testing.T) {
	log, path := create(t)
	log.Append(effectEvent("k1"))
	require.NoError(t, log.Seal())
	require.Zero(t, log.Append(effectEvent("k2")))
	require.ErrorIs(t, log.Err(), history.ErrClosed)
	require.ErrorIs(t, log.Flush(), history.ErrClosed)
	require.ErrorIs(t, log.Seal(), history.ErrClosed)
	require.NoError(t, log.Close(), "closing twice is harmless")

	events, err := read(t, open(t, path))
	require.NoError(t, err, "what was sealed stays sound")
	require.Len(t, events, 1)
}

func TestAClosedHistoryIsUnsealed(t *testing.T) {
	log, path := create(t)
	log.Append(effectEvent("k1"))
	require.NoError(t, log.Close())
	require.ErrorIs(t, log.Seal(), history.ErrClosed)
	events, err := read(t, open(t, path))
	require.ErrorIs(t, err, history.ErrUnsealed)
	require.Len(t, events, 1)
}

func TestAnEventIsFlushedWithoutAsking(t *testing.T) {
	log, path := create(t)
	log.Append(effectEvent("k1"))
	require.Eventually(t, func() bool {
		events, err := read(t, open(t, path))
		require.ErrorIs(t, err, history.ErrUnsealed)
		return len(events) == 1
	}, 10*time.Second, 5*time.Millisecond)
}

func TestObserversSeeEveryEventInOrder(t *testing.T) {
	log, path := create(t)
	var seen []history.Event
	cancel := log.Observe(func(e *history.Event) { seen = append(seen, e.Clone()) })
	var half int
	cancelHalf := log.Observe(func(*history.Event) { half++ })

	appendFrom(log, 8, 500)
	cancelHalf()
	appendFrom(log, 8, 500)
	cancel()
	log.Append(effectEvent("unseen"))
	require.NoError(t, log.Seal())

	require.Equal(t, 4000, half)
	events, err := read(t, open(t, path))
	require.NoError(t, err)
	require.Len(t, events, 8001)
	require.Equal(t, events[:8000], seen)
}

// appendFrom appends from several goroutines at once.
func appendFrom(log *history.Log, writers, each int) {
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				log.Append(effectEvent(fmt.Sprintf("%d/%d", w, i)))
			}
		})
	}
	group.Wait()
}

func TestSealDuringAppendsSealsWhatCameBefore(t *testing.T) {
	log, path := create(t)
	var recorded uint64
	log.Observe(func(e *history.Event) { recorded = e.Seq })
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for seq := log.Append(effectEvent("k")); seq != 0; {
				seq = log.Append(effectEvent("k"))
			}
		})
	}
	require.Eventually(t, func() bool { return log.Now() > 20*time.Millisecond }, 10*time.Second, time.Millisecond)
	require.NoError(t, log.Seal())
	group.Wait()
	events, err := read(t, open(t, path))
	require.NoError(t, err)
	require.Len(t, events, int(recorded))
	require.ErrorIs(t, log.Err(), history.ErrClosed)
}

func TestAKilledWriterLeavesAReadableHistory(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	path := filepath.Join(t.TempDir(), "history.jsonl")
	writer := exec.CommandContext(ctx, os.Args[0], "-test.run=^$")
	writer.Env = append(os.Environ(), writerEnv+"="+path)
	var complaint strings.Builder
	writer.Stderr = &complaint
	out, err := writer.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, writer.Start())

	var flushed int
	for lines := bufio.NewScanner(out); flushed < 5000 && lines.Scan(); {
		_, err := fmt.Sscan(lines.Text(), &flushed)
		require.NoError(t, err)
	}
	require.NoError(t, writer.Process.Kill())
	require.Error(t, writer.Wait())
	require.Empty(t, complaint.String())
	require.GreaterOrEqual(t, flushed, 5000)

	h := open(t, path)
	require.Equal(t, "killed", h.Header().Scenario)
	events, err := read(t, h)
	require.ErrorIs(t, err, history.ErrUnsealed)
	require.GreaterOrEqual(t, len(events), flushed)
}

func TestAFailedWriteIsSticky(t *testing.T) {
	log, path := create(t)
	log.Append(effectEvent("k1"))
	require.NoError(t, log.Flush())
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	file := log.WriteTo(full)
	t.Cleanup(func() { require.NoError(t, file.Close()) })

	require.NotZero(t, log.Append(effectEvent("lost")), "buffered: nobody knows yet")
	require.ErrorIs(t, log.Flush(), syscall.ENOSPC)
	require.Zero(t, log.Append(effectEvent("k3")))
	require.ErrorIs(t, log.Err(), syscall.ENOSPC)
	require.ErrorIs(t, log.Seal(), syscall.ENOSPC)

	events, err := read(t, open(t, path))
	require.ErrorIs(t, err, history.ErrUnsealed)
	require.Len(t, events, 1)
}
