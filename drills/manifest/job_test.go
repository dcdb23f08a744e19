package manifest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
)

func TestAJobIsAskedAboutAsTheManifestSays(t *testing.T) {
	for answer, want := range map[string]drills.JobState{
		`200 {"job": {"state": "completed"}}`: drills.JobDone,
		`203 {"job": {"state": 2}}`:           drills.JobDone,
		`200 {"job": {"state": "failed"}}`:    drills.JobDead,
		`200 {"job": {"state": "retrying"}}`:  drills.JobOpen,
		`200 {"job": {"state": "Completed"}}`: drills.JobOpen,
		`404 not here`:                        drills.JobUnknown,
		`410 {"job": {"state": "completed"}}`: drills.JobUnknown,
	} {
		state, err := asked(t, whole, answer)
		require.NoError(t, err, answer)
		require.Equal(t, want, state, answer)
	}
}

func TestAnAnswerThatSaysNoStateIsNone(t *testing.T) {
	for answer, want := range map[string]string{
		`503 {"job": {"state": "completed"}}`: `read job k-1: answer 503 {"job": {"state": "completed"}}`,
		`302 {"job": {"state": "completed"}}`: "answer 302",
		`200 completed`:                       "the answer is no JSON",
		`200 {"job": {}}`:                     `the answer {"job": {}} has no state where the manifest says`,
		`200 {"job": {"state": null}}`:        "has no state",
		`200 {"job": {"state": true}}`:        "/job/state is neither text nor a number",
		`200 [`:                               "the answer is no JSON",
	} {
		state, err := asked(t, whole, answer)
		require.ErrorContains(t, err, want, answer)
		require.Empty(t, state, answer)
	}
	_, err := asked(t, strings.Replace(whole, "  unknown: [404, 410]\n", "", 1), "404 not here")
	require.ErrorContains(t, err, "answer 404", "one that knows of no job may be the wrong one to ask")
}

func TestWithoutAWayToReadAClientCannot(t *testing.T) {
	_, can := open(t, small, "127.0.0.1:1").(drills.Reader)
	require.False(t, can)
}

// asked is what a client makes of an answer about a job.
func asked(t *testing.T, source, answer string) (drills.JobState, error) {
	t.Helper()
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "POST /jobs/k-1?of=job%2Fk%201", r.Method+" "+r.RequestURI)
		assert.Equal(t, "drill", r.Header.Get("X-Probe"))
		var status int
		_, err := fmt.Sscan(answer, &status)
		if err != nil {
			panic(err)
		}
		w.WriteHeader(status)
		if _, err := io.WriteString(w, answer[4:]); err != nil {
			panic(err)
		}
	})
	reader, can := open(t, source, addr).(drills.Reader)
	require.True(t, can)
	return reader.Read(t.Context(), "k-1", "job/k 1")
}
