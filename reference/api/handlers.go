package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"

	"github.com/drillrun/drillrun/reference/jobs"
)

const (
	maxBody      = jobs.MaxPayload + 16<<10
	defaultLimit = 100
	maxLimit     = 1000
)

// problem is the body of an error.
type problem struct {
	Error  string `json:"error"`
	Effect string `json:"effect,omitempty"` // "none" where certainly nothing was written
}

const noEffect = "none"

// submitted is the body of an accepted submission.
type submitted struct {
	ID    int64      `json:"id"`
	Key   string     `json:"key"`
	State jobs.State `json:"state"`
}

func (a *API) submit(w http.ResponseWriter, r *http.Request) {
	var sub jobs.Submission
	if err := decode(w, r, &sub); err != nil {
		a.reply(w, http.StatusBadRequest, problem{Error: err.Error(), Effect: noEffect})
		return
	}
	job, created, err := a.jobs.Submit(r.Context(), sub)
	switch {
	case errors.Is(err, jobs.ErrInvalid):
		a.reply(w, http.StatusBadRequest, problem{Error: err.Error(), Effect: noEffect})
	case errors.Is(err, jobs.ErrConflict):
		a.reply(w, http.StatusConflict, problem{Error: err.Error(), Effect: noEffect})
	case errors.Is(err, jobs.ErrNotWritten):
		a.unavailable(w, err, noEffect)
	case err != nil:
		a.unavailable(w, err, "")
	case created:
		a.submitted()
		a.reply(w, http.StatusAccepted, submitted{ID: job.ID, Key: job.Key, State: job.State})
	default:
		a.reply(w, http.StatusOK, submitted{ID: job.ID, Key: job.Key, State: job.State})
	}
}

// decode reads exactly one JSON object of known fields.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("the body is not a submission: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the submission")
	}
	return nil
}

func (a *API) job(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		a.reply(w, http.StatusBadRequest, problem{Error: "the id of a job is a number"})
		return
	}
	job, err := a.jobs.Get(r.Context(), id)
	switch {
	case errors.Is(err, jobs.ErrNotFound):
		a.reply(w, http.StatusNotFound, problem{Error: err.Error()})
	case err != nil:
		a.unavailable(w, err, "")
	default:
		a.reply(w, http.StatusOK, job)
	}
}

func (a *API) list(w http.ResponseWriter, r *http.Request) {
	if q := r.URL.Query(); q.Has("key") {
		a.found(w, r, q)
		return
	}
	state, after, limit, err := page(r)
	if err != nil {
		a.reply(w, http.StatusBadRequest, problem{Error: err.Error()})
		return
	}
	list, err := a.jobs.List(r.Context(), state, after, limit)
	if err != nil {
		a.unavailable(w, err, "")
		return
	}
	a.reply(w, http.StatusOK, map[string]any{"jobs": list})
}

// found lists the job of a key, of which there is one at most.
func (a *API) found(w http.ResponseWriter, r *http.Request, q url.Values) {
	if len(q) > 1 {
		a.reply(w, http.StatusBadRequest, problem{Error: "key stands alone: a key has one job at most"})
		return
	}
	list := []jobs.Job{}
	job, err := a.jobs.Find(r.Context(), q.Get("key"))
	switch {
	case err == nil:
		list = append(list, job)
	case !errors.Is(err, jobs.ErrNotFound):
		a.unavailable(w, err, "")
		return
	}
	a.reply(w, http.StatusOK, map[string]any{"jobs": list})
}

func page(r *http.Request) (state jobs.State, after int64, limit int, err error) {
	q := r.URL.Query()
	limit = defaultLimit
	state = jobs.State(q.Get("state"))
	if state != "" && !slices.Contains(jobs.States(), state) {
		return "", 0, 0, fmt.Errorf("state is one of %v", jobs.States())
	}
	if v := q.Get("after"); v != "" {
		if after, err = strconv.ParseInt(v, 10, 64); err != nil {
			return "", 0, 0, errors.New("after is the id of a job")
		}
	}
	if v := q.Get("limit"); v != "" {
		if limit, err = strconv.Atoi(v); err != nil || limit < 1 || limit > maxLimit {
			return "", 0, 0, fmt.Errorf("limit is from 1 to %d", maxLimit)
		}
	}
	return state, after, limit, nil
}

func (a *API) leadership(w http.ResponseWriter, r *http.Request) {
	l, err := a.leader(r.Context())
	if err != nil {
		a.unavailable(w, err, "")
		return
	}
	a.reply(w, http.StatusOK, l)
}

// counts is the body of an answer to what is in the database and, of its own, in
// the replica.
type counts struct {
	jobs.Counts
	Goroutines int `json:"goroutines"`
}

func (a *API) counts(w http.ResponseWriter, r *http.Request) {
	c, err := a.jobs.Counts(r.Context())
	if err != nil {
		a.unavailable(w, err, "")
		return
	}
	a.reply(w, http.StatusOK, counts{Counts: c, Goroutines: runtime.NumGoroutine()})
}

func (a *API) healthz(w http.ResponseWriter, _ *http.Request) {
	a.reply(w, http.StatusOK, map[string]string{"status": "alive"})
}

func (a *API) readyz(w http.ResponseWriter, _ *http.Request) {
	if why := a.health.Degraded(); why != "" {
		a.reply(w, http.StatusServiceUnavailable, map[string]string{"status": "degraded", "why": why})
		return
	}
	a.reply(w, http.StatusOK, map[string]string{"status": "ready"})
}

func (a *API) unavailable(w http.ResponseWriter, err error, effect string) {
	a.log.Warn("request failed", "err", err)
	w.Header().Set("Retry-After", "1")
	a.reply(w, http.StatusServiceUnavailable, problem{Error: err.Error(), Effect: effect})
}

func (a *API) reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		a.log.Debug("answer not delivered", "err", err)
	}
}
