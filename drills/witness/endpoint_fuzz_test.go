package witness

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
)

// Whatever is sent, the endpoint answers it, and what it says it took is in the
// file, in order, as it was sent.
func FuzzEndpoint(f *testing.F) {
	for _, c := range [][2]string{
		{typeJSON, `{"subject":"order-17","key":"order-17/charge","kind":"once"}`},
		{"", `{"subject":"s","key":"\u00e9","kind":"fenced","leadership":"cron","term":8,"attempt":3}`},
		{"application/x-ndjson; charset=utf-8", `{"subject":"a","key":"a","kind":"once"}` + "\n" + `{"subject":"b","key":"a","kind":"once"}` + "\r\n\n"},
		{typeLines, `{"subject":"a","key":"a","kind":"fenced","leadership":"l","term":2}` + "\n" + `{"subject":"a","key":"b","kind":"fenced","leadership":"l","term":1}`},
		{typeLines, `{"subject":"a","key":"a","kind":"record"}` + "\n" + `{"subject":"a","key":"` + "\xff" + `","kind":"once"}` + "\n{}"},
		{typeLines, ""}, {typeJSON, "null"}, {"text/plain; =", "[[[["},
	} {
		f.Add(c[0], []byte(c[1]))
	}
	path := filepath.Join(f.TempDir(), "history.jsonl")
	f.Fuzz(func(t *testing.T, media string, body []byte) {
		log, err := history.Create(path, history.Header{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, os.Remove(path)) })
		status, answers := post(t, log, media, body)
		require.NoError(t, errors.Join(log.Flush(), log.Close()))
		require.Less(t, status, http.StatusInternalServerError)
		requireRecorded(t, path, sentAs(media, status, body), answers)
	})
}

// post sends a body to an endpoint of its own and returns the answers, one a
// line.
func post(t *testing.T, log *history.Log, media string, body []byte) (status int, answers []answer) {
	e := &endpoint{ledger: newLedger(log, "witness", history.OpEffect), tokens: newTokens()}
	r := httptest.NewRequest(http.MethodPost, "/v1/effects", bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+e.tokens.of("replica-1"))
	r.Header.Set("Content-Type", media)
	rw := httptest.NewRecorder()
	e.routes().ServeHTTP(rw, r)
	for line := range bytes.Lines(rw.Body.Bytes()) {
		require.True(t, utf8.Valid(line), "%q", line)
		var a answer
		require.NoError(t, json.Unmarshal(line, &a), "%q", line)
		if a.Status == 0 {
			a.Status = rw.Code
		}
		answers = append(answers, a)
	}
	return rw.Code, answers
}

// sentAs is what the answers are to: the lines of a batch, or the whole body.
func sentAs(media string, status int, body []byte) (sent [][]byte) {
	name, _, err := mime.ParseMediaType(media)
	if err != nil || name != typeLines || status != http.StatusOK {
		return [][]byte{body}
	}
	for line := range bytes.Lines(body) {
		sent = append(sent, line)
	}
	return sent
}

// requireRecorded wants one answer to each that was sent, and one event to each
// answer that makes a claim, as a ledger of its own decides.
func requireRecorded(t *testing.T, path string, sent [][]byte, answers []answer) {
	require.Len(t, answers, len(sent))
	h, err := history.Open(path)
	require.NoError(t, err)
	model := newLedger(nil, "", "")
	next := 0
	for e, err := range h.Events() {
		if errors.Is(err, history.ErrUnsealed) {
			break // after the last event: nobody has sealed it
		}
		require.NoError(t, err)
		if e.Op == history.OpRefused {
			continue
		}
		for answers[next].Outcome == "" {
			require.NotEmpty(t, answers[next].Error)
			next++
		}
		var want effect
		require.NoError(t, json.Unmarshal(sent[next], &want))
		requireSame(t, &e, want, model.decide(&want), answers[next])
		next++
	}
	for _, a := range answers[next:] {
		require.Empty(t, a.Outcome, "it is not in the history")
		require.GreaterOrEqual(t, a.Status, http.StatusBadRequest)
	}
}

func requireSame(t *testing.T, e *history.Event, sent effect, d decision, a answer) {
	got, err := history.DecodeEffect(e)
	require.NoError(t, err)
	require.Equal(t, history.Effect{
		Replica: "replica-1", Subject: sent.Subject, Kind: sent.Kind, Leadership: sent.Leadership,
		Term: sent.Term, Attempt: sent.Attempt, Outcome: d.outcome,
	}, got)
	require.Equal(t, sent.Key, e.Key)
	require.Equal(t, d.remark, e.Err)
	require.Equal(t, d.outcome, a.Outcome)
	for _, text := range []string{e.Key, got.Subject, got.Leadership} {
		require.True(t, utf8.ValidString(text) && !bytes.ContainsRune([]byte(text), utf8.RuneError), "%q", text)
	}
	status := map[history.Outcome]int{
		history.Accepted: http.StatusOK, history.Seen: http.StatusAlreadyReported, history.Stale: http.StatusConflict,
	}
	require.Equal(t, status[d.outcome], a.Status)
}
