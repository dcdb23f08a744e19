package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/hibiken/asynq"
)

const (
	// maxBody bounds a job, in bytes.
	maxBody = 64 << 10
	// enqueueTime is how long Redis may take to have a job.
	enqueueTime = 3 * time.Second
)

// api is the host as its clients see it.
type api struct {
	queue *queue
	log   *slog.Logger
}

func newAPI(q *queue, log *slog.Logger) http.Handler {
	a := &api{q, log}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /jobs", a.submit)
	mux.HandleFunc("GET /jobs/{key}", a.state)
	mux.HandleFunc("GET /ready", a.ready)
	mux.HandleFunc("GET /inspect", a.inspect)
	return mux
}

// submit answers 202 once the job is in Redis. Any error of Redis leaves open
// whether it is: the client asks again, with the same key.
func (a *api) submit(w http.ResponseWriter, r *http.Request) {
	var j job
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&j); err != nil {
		http.Error(w, "expected a job in JSON: "+err.Error(), http.StatusUnprocessableEntity)
		return
	}
	if j.Key == "" || j.Subject == "" {
		http.Error(w, "a job needs a key and a subject", http.StatusUnprocessableEntity)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), enqueueTime)
	defer cancel()
	if err := a.queue.enqueue(ctx, j); err != nil {
		a.unavailable(w, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// state answers with what asynq says of the job of that key.
func (a *api) state(w http.ResponseWriter, r *http.Request) {
	state, err := a.queue.state(r.PathValue("key"))
	switch {
	case errors.Is(err, asynq.ErrTaskNotFound), errors.Is(err, asynq.ErrQueueNotFound):
		http.Error(w, "there is no such job", http.StatusNotFound)
	case err != nil:
		a.unavailable(w, err)
	default:
		a.write(w, map[string]string{"state": state})
	}
}

func (a *api) ready(w http.ResponseWriter, _ *http.Request) {
	if err := a.queue.ping(); err != nil {
		a.unavailable(w, err)
	}
}

func (a *api) inspect(w http.ResponseWriter, _ *http.Request) {
	found, err := a.queue.inspect()
	if err != nil {
		a.unavailable(w, err)
		return
	}
	a.write(w, found)
}

func (a *api) write(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		a.log.Warn("the client has gone", "error", err)
	}
}

func (a *api) unavailable(w http.ResponseWriter, err error) {
	a.log.Warn("answer 503", "error", err)
	http.Error(w, err.Error(), http.StatusServiceUnavailable)
}
