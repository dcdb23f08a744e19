package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTheSameKeyIsTheSameJob(t *testing.T) {
	o := newOutside(t)
	h := startHost(t, o, nil)
	id := h.submit(t, "a", 5, http.StatusAccepted)
	if e := <-o.once; e.Key != "a" || e.Subject != "job/a" || e.Attempt != 1 {
		t.Fatalf("reported %+v", e)
	}
	if again := h.submit(t, "a", 5, http.StatusAccepted); again != id {
		t.Fatalf("the job at work is %d, and its key now names %d", id, again)
	}
	h.mustTell(t, "a", http.StatusOK, `{"state":"running"}`)
	close(o.hold)
	await(t, "the job is done", func() bool { return h.inspect(t).Unfinished == 0 })
	h.mustTell(t, "a", http.StatusOK, `{"state":"completed"}`)
	h.mustTell(t, "b", http.StatusNotFound, "there is no such job")
	if again := h.submit(t, "a", 5, http.StatusOK); again != id {
		t.Fatalf("the job done is %d, and its key now names %d", id, again)
	}
	if c := h.inspect(t); c.OwnedWrites != 1 || c.UnfencedWrites != 0 || c.Connections == 0 || c.Goroutines == 0 {
		t.Fatalf("counted %+v", c)
	}
}

func TestWhatNobodyCanDoIsGivenUpOnce(t *testing.T) {
	h := startHost(t, newOutside(t), nil)
	id := h.submit(t, "poison", -1, http.StatusAccepted)
	await(t, "it is given up", func() bool { return h.inspect(t).DeadLetters == 1 })
	h.mustTell(t, "poison", http.StatusOK, `{"state":"cancelled"}`)
	if again := h.submit(t, "poison", -1, http.StatusAccepted); again != id {
		t.Fatalf("a job that was given up has been inserted again, as %d", again)
	}
	for _, body := range []string{"", "{}", `{"key": "a"}`, `{"key": "a", "subject": "b", "args": 7}`} {
		if status, answer, err := h.call(t, http.MethodPost, "/jobs", body); err != nil || status != http.StatusUnprocessableEntity {
			t.Fatalf("%q: got %d %s, %v", body, status, answer, err)
		}
	}
}

// A job is taken from its worker between its effect and its completion. What
// JobCompleteTx says of it differs; that the effect must not be committed does not.
func TestAnEffectOfASupersededAttemptIsRolledBack(t *testing.T) {
	for name, taken := range map[string]struct {
		set      string
		attempts int64 // that commit an effect in the end
	}{
		"it waits for its next attempt": {"state = 'available'", 1},
		"its next attempt is at work":   {"attempt = 2", 1},
		"its next attempt has done it":  {"attempt = 2, state = 'completed', finalized_at = now()", 0},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutside(t)
			h := startHost(t, o, map[string]string{"RETRY_AFTER": "10ms"})
			id := h.submit(t, "a", 1, http.StatusAccepted)
			<-o.once
			_, err := h.pool.Exec(t.Context(), "UPDATE river_job SET "+taken.set+" WHERE id = $1", id)
			check(t, err)
			close(o.hold)
			await(t, "the job is done", func() bool { return h.inspect(t).Unfinished == 0 })
			check(t, h.stop()) // what was at work has ended
			var effects, first int64
			check(t, h.pool.QueryRow(t.Context(), "SELECT count(*), count(*) FILTER (WHERE attempt = 1) FROM effects").Scan(&effects, &first))
			if effects != taken.attempts || first != 0 {
				t.Fatalf("%d effects were committed, %d of them by the attempt that had lost the job; want %d and none", effects, first, taken.attempts)
			}
		})
	}
}

func TestTheLeaderIsSeen(t *testing.T) {
	o := newOutside(t)
	h := startHost(t, o, nil)
	await(t, "two beats", func() bool { return len(o.beats()) >= 2 })
	_, answer, err := h.get(t, "/leader")
	check(t, err)
	var said leadership
	check(t, json.Unmarshal(answer, &said))
	for _, e := range o.beats() {
		if said.Replica != "replica-1" || e.Term != said.Term || e.Leadership != leadershipName || !strings.HasPrefix(e.Subject, "beat/replica-1/") {
			t.Fatalf("%+v leads, and %+v was reported", said, e)
		}
	}
}

func TestAStopLetsAJobEnd(t *testing.T) {
	o := newOutside(t)
	h := startHost(t, o, nil)
	h.submit(t, "a", 1, http.StatusAccepted)
	<-o.once
	time.AfterFunc(softStop/3, func() { close(o.hold) })
	check(t, h.stop())
	var done, leaders int64
	check(t, h.pool.QueryRow(t.Context(),
		"SELECT (SELECT count(*) FROM river_job WHERE state = 'completed'), (SELECT count(*) FROM river_leader)").Scan(&done, &leaders))
	if done != 1 || leaders != 0 {
		t.Fatalf("%d jobs are done and %d leaders left after a stop, want 1 and 0", done, leaders)
	}
}

func TestSettings(t *testing.T) {
	environment := map[string]string{
		"LISTEN": "127.0.0.1:1", "REPLICA": "replica-1", "DATABASE_URL": "postgres://", "WITNESS_URL": "http://", "WITNESS_TOKEN": "a-token",
	}
	read := func() (settings, error) { return readSettings(func(name string) string { return environment[name] }) }
	s, err := read()
	check(t, err)
	if s.river.FetchCooldown != 0 || s.river.RescueStuckJobsAfter != 0 || s.river.RetryPolicy != nil {
		t.Fatalf("without a word River's defaults are changed: %+v", s.river)
	}
	environment["RESCUE_STUCK_JOBS_AFTER"], environment["RETRY_AFTER"] = "3s", "1ms"
	if s, err = read(); err != nil || s.river.RescueStuckJobsAfter != 3*time.Second || s.river.RetryPolicy == nil {
		t.Fatalf("read %+v, %v", s.river, err)
	}
	environment["REPLICA"], environment["JOB_TIMEOUT"] = "", "soon"
	_, err = read()
	const want = "REPLICA is not set\n" + `JOB_TIMEOUT is "soon": want a positive duration such as 500ms`
	if err == nil || err.Error() != want {
		t.Fatalf("got %v", err)
	}
}
