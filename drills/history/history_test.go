package history_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
)

// sealed returns the bytes of a small sealed history.
func sealed(t *testing.T) []byte {
	t.Helper()
	log, path := create(t)
	log.Append(history.Event{Actor: "script", Op: history.OpStep, Phase: history.Invoke, Detail: history.Detail(history.Step{Line: 3, Text: "kill leader"})})
	log.Append(effectEvent("k1"))
	log.Append(history.Event{Actor: "engine", Op: history.OpEnd, Phase: history.Info, Err: "await \"steady\" expired"})
	require.NoError(t, log.Seal())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return text
}

func readAll(text []byte) (events []history.Event, err error) {
	err = history.ReadAll(bytes.NewReader(text), func(e *history.Event) { events = append(events, e.Clone()) })
	return events, err
}

func TestATruncatedHistoryNeverEndsCleanly(t *testing.T) {
	whole := sealed(t)
	for size := range whole {
		_, err := readAll(whole[:size])
		require.ErrorIs(t, err, history.ErrUnsealed, "the first %d of %d bytes", size, len(whole))
	}
	events, err := readAll(whole)
	require.NoError(t, err)
	require.Len(t, events, 3)
}

func TestAnyChangedByteIsDetected(t *testing.T) {
	whole := sealed(t)
	for i := range whole {
		for bit := range 8 {
			changed := bytes.Clone(whole)
			changed[i] ^= 1 << bit
			_, err := readAll(changed)
			require.Error(t, err, "bit %d of byte %d: %s", bit, i, changed)
		}
	}
}

func TestWhatIsWrongWithAFileIsNamed(t *testing.T) {
	whole := string(sealed(t))
	lines := strings.SplitAfter(whole, "\n")
	for _, c := range []struct {
		name, text string
		want       error
		says       string
	}{
		{"a line is missing", lines[0] + lines[1] + lines[3] + lines[4], history.ErrEdited, "line 3: history was edited: seq 3 follows 1"},
		{"the first event is missing", lines[0] + lines[2] + lines[3] + lines[4], history.ErrEdited, "seq 2 follows 0"},
		{"the last event is missing", lines[0] + lines[1] + lines[2] + lines[4], history.ErrEdited, "line 4: history was edited: the seal is not that of the 2 events"},
		{"an event twice", lines[0] + lines[1] + lines[1], history.ErrEdited, "seq 1 follows 1"},
		{"another seed in the header", strings.Replace(whole, `"seed":7`, `"seed":8`, 1), history.ErrEdited, "line 5"},
		{"another key in an event", strings.Replace(whole, `"key":"k1"`, `"key":"k2"`, 1), history.ErrEdited, "line 5"},
		{"spaces in the seal", strings.Replace(whole, `"count":3`, `"count":3 `, 1), history.ErrEdited, "line 5"},
		{"something after the seal", whole + lines[1], history.ErrEdited, "line 6: history was edited: it goes on"},
		{"a torn line after the seal", whole + "x", history.ErrEdited, "line 6"},
		{"two seals", whole + lines[4], history.ErrEdited, "line 6"},
		{"time goes backwards", lines[0] + lines[1] + `{"seq":2,"at":0,"actor":"a","op":"o","phase":"ok"}` + "\n", history.ErrEdited, "line 3: history was edited: time goes back"},
		{"time before the start", lines[0] + `{"seq":1,"at":-1,"actor":"a","op":"o","phase":"ok"}` + "\n", history.ErrEdited, "time goes back"},
		{"a line that is not JSON", lines[0] + lines[1] + "oops\n" + lines[3], history.ErrMalformed, "line 3"},
		{"a field nobody knows", lines[0] + `{"seq":1,"at":1,"actor":"a","op":"o","phase":"ok","color":1}` + "\n", history.ErrMalformed, `line 2: malformed history: json: unknown field "color"`},
		{"two events on one line", lines[0] + strings.TrimSuffix(lines[1], "\n") + lines[2], history.ErrMalformed, "line 2"},
		{"an unknown phase", lines[0] + `{"seq":1,"at":1,"actor":"a","op":"o","phase":"maybe"}` + "\n", history.ErrMalformed, `line 2: malformed history: unknown phase "maybe"`},
		{"an empty line", lines[0] + "\n" + lines[1], history.ErrMalformed, "line 2"},
		{"no phase", lines[0] + `{"seq":1,"at":1,"actor":"a","op":"o"}` + "\n", history.ErrMalformed, "unknown phase"},
		{"a header twice", lines[0] + lines[0], history.ErrMalformed, "line 2"},
		{"no header", lines[1] + lines[2], history.ErrSchema, "0"},
		{"no header but null", `{"header":null}` + "\n", history.ErrSchema, "0"},
		{"a header that is not JSON", "header\n", history.ErrMalformed, "line 1"},
		{"a header with a field nobody knows", `{"header":{"schema":1,"color":1}}` + "\n", history.ErrMalformed, "color"},
		{"a later schema, whatever else it has", `{"header":{"schema":2,"color":1},"more":1}` + "\n", history.ErrSchema, "unknown history schema: 2; this version reads 1"},
		{"an empty file", "", history.ErrUnsealed, "no header"},
		{"no seal", lines[0] + lines[1], history.ErrUnsealed, "it ends after 1 events"},
		{"a torn last line", lines[0] + lines[1] + lines[2][:30], history.ErrUnsealed, "line 3: the last line is torn"},
		{"a line without end", lines[0] + strings.Repeat("x", 17<<20), history.ErrMalformed, "line 2 is longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readAll([]byte(c.text))
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.says)

			path := filepath.Join(t.TempDir(), "history.jsonl")
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			h, err := history.Open(path)
			if err == nil {
				_, err = read(t, h)
			}
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, path)
		})
	}
}

func TestAMissingFileIsNotAHistory(t *testing.T) {
	_, err := history.Open(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAHeaderThatChangesAfterOpenIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	text := sealed(t)
	require.NoError(t, os.WriteFile(path, text, 0o600))
	h := open(t, path)
	require.NoError(t, os.WriteFile(path, bytes.Replace(text, []byte(`"seed":7`), []byte(`"seed":8`), 1), 0o600))
	_, err := read(t, h)
	require.ErrorIs(t, err, history.ErrEdited)
}

func TestEventsInAnyLayoutOfJSONAreRead(t *testing.T) {
	const text = `{"header":{"schema":1,"scenario":"by hand"}}
{ "op":"effect", "actor":"witness", "phase":"ok", "at":5, "seq":1, "detail":{ "replica": "r" }, "key":"\u006b1" }
`
	events, err := readAll([]byte(text))
	require.ErrorIs(t, err, history.ErrUnsealed)
	require.Equal(t, []history.Event{{
		Seq: 1, At: 5, Actor: "witness", Op: "effect", Phase: history.OK, Key: "k1", Detail: []byte(`{ "replica": "r" }`),
	}}, events)
}

func TestLongLinesAreRead(t *testing.T) {
	log, path := create(t)
	long := strings.Repeat("x", 1<<20)
	for range 5 {
		log.Append(effectEvent("short"))
		log.Append(effectEvent(long))
	}
	require.NoError(t, log.Seal())
	events, err := read(t, open(t, path))
	require.NoError(t, err)
	require.Len(t, events, 10)
	require.Equal(t, long, events[9].Key)
}

func TestAHistoryIsReadByManyAtOnce(t *testing.T) {
	log, path := create(t)
	appendFrom(log, 4, 1000)
	require.NoError(t, log.Seal())
	h := open(t, path)
	counts := make([]int, 8)
	var group sync.WaitGroup
	for i := range counts {
		group.Go(func() {
			for _, err := range h.Events() {
				if err == nil {
					counts[i]++
				}
			}
		})
	}
	group.Wait()
	for _, n := range counts {
		require.Equal(t, 4000, n)
	}
}

func TestTheSealIsKnownOnceAllOfItWasRead(t *testing.T) {
	whole := sealed(t)
	path := filepath.Join(t.TempDir(), "history.jsonl")
	require.NoError(t, os.WriteFile(path, whole, 0o600))
	h, err := history.Open(path)
	require.NoError(t, err)
	require.Empty(t, h.Seal(), "nothing was read yet")
	for range h.Events() {
		break
	}
	require.Empty(t, h.Seal(), "the rest may be anything")
	for _, err := range h.Events() {
		require.NoError(t, err)
	}
	before := whole[:bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1]
	require.Equal(t, fmt.Sprintf("%x", sha256.Sum256(before)), h.Seal())

	require.NoError(t, os.WriteFile(path, bytes.Replace(whole, []byte("k1"), []byte("k2"), 1), 0o600))
	edited, err := history.Open(path)
	require.NoError(t, err)
	for _, err = range edited.Events() {
	}
	require.ErrorIs(t, err, history.ErrEdited)
	require.Empty(t, edited.Seal())
}

func TestReadingMayStopEarly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	require.NoError(t, os.WriteFile(path, sealed(t), 0o600))
	for _, h := range []*history.History{open(t, path), history.New(history.Header{}, make([]history.Event, 3))} {
		n := 0
		for range h.Events() {
			n++
			break
		}
		require.Equal(t, 1, n)
	}
}

func TestACloneOutlivesTheIteration(t *testing.T) {
	log, path := create(t)
	appendFrom(log, 1, 5000) // more than one block of the reader
	require.NoError(t, log.Seal())
	events, err := read(t, open(t, path))
	require.NoError(t, err)
	for _, e := range events {
		effect, err := history.DecodeEffect(&e)
		require.NoError(t, err)
		require.Equal(t, e.Key, effect.Subject)
	}
}

func TestAHistoryInMemoryFillsInSeqAndAt(t *testing.T) {
	given := []history.Event{
		{Actor: "a", Op: "o", Phase: history.OK},
		{Actor: "b", Op: "o", Phase: history.OK, At: time.Second},
		{Actor: "c", Op: "o", Phase: history.OK},
	}
	h := history.New(history.Header{Scenario: "s"}, given)
	require.Equal(t, history.SchemaVersion, h.Header().Schema)
	require.Empty(t, h.Path())
	events, err := read(t, h)
	require.NoError(t, err)
	require.Zero(t, given[0].Seq, "the caller's events are left alone")
	for i, e := range events {
		require.EqualValues(t, i+1, e.Seq)
	}
	require.Equal(t, time.Second, events[2].At)
}

func TestAHistoryInMemoryIsCheckedToo(t *testing.T) {
	ok := history.Event{Phase: history.OK, At: 2}
	for name, c := range map[string]struct {
		event history.Event
		want  error
	}{
		"a gap":            {history.Event{Seq: 7, Phase: history.OK}, history.ErrEdited},
		"time backwards":   {history.Event{At: 1, Phase: history.OK}, history.ErrEdited},
		"an unknown phase": {history.Event{Phase: "maybe"}, history.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			events, err := read(t, history.New(history.Header{}, []history.Event{ok, c.event}))
			require.ErrorIs(t, err, c.want)
			require.Len(t, events, 1)
		})
	}
}
