package history_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
)

// drilled is the history of a real drill: a replica is killed, twice.
func drilled(f *testing.F) []byte {
	text, err := os.ReadFile("testdata/drilled.jsonl")
	require.NoError(f, err)
	return text
}

// Whatever the reader makes of a text as a whole, it must not panic; each event
// that it hands out is sound and survives being written again; and what it
// takes for whole ends with the seal of just these bytes.
func FuzzReader(f *testing.F) {
	const header = `{"header":{"schema":1,"scenario":"s"}}` + "\n"
	for _, text := range []string{
		header,
		header + sealOf(header, 0),
		header + `{"seq":1,"at":1,"actor":"a","op":"effect","phase":"ok","key":"k","detail":{"replica":"r","subject":"s","kind":"once","outcome":"seen"},"err":"e"}` + "\n",
		header + `{"phase":"ok","op":"submit","detail":{"subject":"s","intended":7}}` + "\n" + `{"seal":{"count":1,"sha256":"00"}}` + "\n",
		header + "# comment\n\n" + `{"seq":1,"at":-1}`,
	} {
		f.Add([]byte(text))
	}
	f.Add(drilled(f))
	f.Fuzz(func(t *testing.T, text []byte) {
		events := 0
		err := history.ReadAll(bytes.NewReader(text), func(e *history.Event) {
			events++
			requireSound(t, e)
		})
		if err != nil {
			requireSentinel(t, err)
		} else {
			start := bytes.LastIndex(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) + 1
			require.Equal(t, sealOf(string(text[:start]), events), string(text[start:]))
		}
		for line := range bytes.Lines(text) {
			requireSameEvent(t, line)
		}
	})
}

// sealOf is the seal that a text of that many events ought to have.
func sealOf(text string, events int) string {
	return fmt.Sprintf("{\"seal\":{\"count\":%d,\"sha256\":\"%x\"}}\n", events, sha256.Sum256([]byte(text)))
}

// No change of a sealed file goes unnoticed, and what is handed out before it
// is noticed is what was there.
func FuzzChanges(f *testing.F) {
	whole := drilled(f)
	var lines []string
	require.NoError(f, history.ReadAll(bytes.NewReader(whole), func(e *history.Event) {
		line, err := history.EncodeEvent(e)
		require.NoError(f, err)
		lines = append(lines, string(line))
	}))
	for _, at := range []uint{0, 1, 400, 5000, uint(len(whole)) - 1} {
		f.Add(at, uint(1), []byte(nil))
		f.Add(at, uint(0), []byte("\n"))
		f.Add(at, uint(300), whole[:300])
	}
	f.Fuzz(func(t *testing.T, at, cut uint, put []byte) {
		at = min(at, uint(len(whole)))
		cut = min(cut, uint(len(whole))-at)
		changed := bytes.Join([][]byte{whole[:at], put, whole[at+cut:]}, nil)
		if bytes.Equal(changed, whole) {
			return
		}
		untouched := bytes.Count(whole[:at], []byte("\n")) - 1 // of the lines before, the first is the header
		n := 0
		err := history.ReadAll(bytes.NewReader(changed), func(e *history.Event) {
			requireSound(t, e)
			if n < untouched {
				line, err := history.EncodeEvent(e)
				require.NoError(t, err)
				require.Equal(t, lines[n], string(line))
			}
			n++
		})
		requireSentinel(t, err)
	})
}

func requireSound(t *testing.T, e *history.Event) {
	if len(e.Detail) > 0 {
		require.True(t, json.Valid(e.Detail))
		requireSameDetail(t, e.Detail)
	}
	line, err := history.EncodeEvent(e)
	require.NoError(t, err)
	requireSameEvent(t, line)
}

// requireSentinel wants an error to say which kind of damage it is.
func requireSentinel(t *testing.T, err error) {
	t.Helper()
	for _, kind := range []error{history.ErrUnsealed, history.ErrEdited, history.ErrMalformed, history.ErrSchema} {
		if errors.Is(err, kind) {
			return
		}
	}
	require.Fail(t, "an error of no kind", "%v", err)
}
