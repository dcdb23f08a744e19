package drilltest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/manifest"
)

// toyEnv has this binary be a replica of the toy, and names the file that its
// replicas lock to lead.
const toyEnv = "TOY_LOCK"

// toyManifest is the smallest system that promises a leader and jobs. Its first
// parameter is the program, its second the file to lock.
const toyManifest = `
name: toy
stores: [redis]
replica:
  command: [%q]
  environment:
    TOY_LOCK: %q
    NAME: ${replica.name}
    REDIS: ${redis.address}
    WITNESS_URL: ${witness.url}
    WITNESS_TOKEN: ${witness.token}
  ports: {http: LISTEN}
  ready: {path: /ready}
submit: {path: /jobs, body: '{"key": "${key}", "subject": "${subject}", "kind": "once"}'}
leader: {path: /leader, leadership: toy, replica: /holder, term: /term}
guarantees: {leader: true, effects: exactly-once, means: [key, fencing]}
settle: 500ms
`

// toy is that system.
func toy(t *testing.T) *manifest.System {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	source := fmt.Sprintf(toyManifest, self, filepath.Join(t.TempDir(), "lock"))
	system, err := manifest.Parse("toy.yaml", []byte(source))
	require.NoError(t, err)
	return system
}

// effect is one as the witness takes it.
type effect struct {
	Key        string `json:"key"`
	Subject    string `json:"subject"`
	Kind       string `json:"kind"`
	Leadership string `json:"leadership,omitempty"`
	Term       uint64 `json:"term,omitempty"`
}

// leadership is what stands in the locked file.
type leadership struct {
	Holder string `json:"holder"`
	Term   uint64 `json:"term"`
}

// playToy is a replica. It keeps its jobs in memory: nothing that is done to it
// here ends it with jobs in its hands.
func playToy() {
	var known sync.Map
	http.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("GET /leader", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, os.Getenv(toyEnv))
	})
	http.HandleFunc("POST /jobs", func(w http.ResponseWriter, r *http.Request) {
		var job effect
		if err := json.NewDecoder(r.Body).Decode(&job); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if _, before := known.LoadOrStore(job.Key, true); !before {
			go report(job)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	go lead()
	panic(http.ListenAndServe(os.Getenv("LISTEN"), nil))
}

// lead waits for the lock and then acts as the leader until it is told that it
// is none.
func lead() {
	check := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	file, err := os.OpenFile(os.Getenv(toyEnv), os.O_RDWR|os.O_CREATE, 0o600)
	check(err)
	check(syscall.Flock(int(file.Fd()), syscall.LOCK_EX))
	own := leadership{}
	_ = json.NewDecoder(file).Decode(&own) // the first finds it empty
	own = leadership{Holder: os.Getenv("NAME"), Term: own.Term + 1}
	text, err := json.Marshal(own)
	check(err)
	_, err = file.WriteAt(text, 0)
	check(err)
	beats := time.NewTicker(50 * time.Millisecond)
	for n := 1; ; n++ {
		slot := fmt.Sprintf("%d/%d", own.Term, n)
		report(effect{Key: slot, Subject: "beat/" + slot, Kind: "fenced", Leadership: "toy", Term: own.Term})
		<-beats.C
		runtime.KeepAlive(file) // which would be closed, and its lock gone
	}
}

// report reports an effect until the witness has answered.
func report(e effect) {
	tries := time.NewTicker(20 * time.Millisecond)
	defer tries.Stop()
	for !attempt(e) {
		<-tries.C
	}
}

func attempt(e effect) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	body, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("WITNESS_URL")+"/v1/effects", bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+os.Getenv("WITNESS_TOKEN"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	if err := resp.Body.Close(); err != nil {
		return false
	}
	return resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusAlreadyReported
}
