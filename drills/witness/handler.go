package witness

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"

	"github.com/drillrun/drillrun/drills/history"
)

const (
	typeJSON  = "application/json"
	typeLines = "application/x-ndjson"
)

// answer is what the sender of an effect is told.
type answer struct {
	Status  int             `json:"status,omitempty"` // in a batch only, where every line has its own
	Outcome history.Outcome `json:"outcome,omitempty"`
	Term    *uint64         `json:"term,omitempty"`
	Note    string          `json:"note,omitempty"`
	Error   string          `json:"error,omitempty"`
}

// routes are the witness's own.
func (e *endpoint) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/effects", e.effects)
	mux.HandleFunc("POST /v1/durations", e.durations)
	mux.HandleFunc("GET /healthz", e.health)
	return mux
}

func (e *endpoint) health(rw http.ResponseWriter, _ *http.Request) {
	if err := e.ledger.log.Err(); err != nil {
		reply(rw, http.StatusServiceUnavailable, answer{Error: err.Error()})
		return
	}
	reply(rw, http.StatusOK, map[string]string{"status": "ok"})
}

func (e *endpoint) effects(rw http.ResponseWriter, r *http.Request) {
	replica, known := e.authorize(rw, r)
	if !known {
		return
	}
	lines, limit, what := hasLines(r), int64(maxEffect), "one effect"
	if lines {
		limit, what = maxBatch, "lines"
	}
	body, whole := readBody(rw, r, limit, what)
	switch {
	case !whole:
	case lines:
		e.batch(rw, replica, body)
	default:
		status, a := e.one(replica, body)
		reply(rw, status, a)
	}
}

// authorize tells which replica sends. False says that it was answered.
func (e *endpoint) authorize(rw http.ResponseWriter, r *http.Request) (replica string, known bool) {
	replica, known = e.tokens.replica(r.Header.Get("Authorization"))
	if !known {
		rw.Header().Set("WWW-Authenticate", "Bearer")
		reply(rw, http.StatusUnauthorized, answer{Error: "send the replica's token as Authorization: Bearer TOKEN"})
	}
	return replica, known
}

// hasLines says whether the request is a batch.
func hasLines(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == typeLines
}

// readBody reads everything before anything is decided: an effect takes place
// whole or not at all. False says that it was answered.
func readBody(rw http.ResponseWriter, r *http.Request, limit int64, what string) (body []byte, whole bool) {
	var buffer bytes.Buffer
	buffer.Grow(int(min(max(r.ContentLength, 0), limit)) + bytes.MinRead)
	_, err := buffer.ReadFrom(http.MaxBytesReader(rw, r.Body, limit))
	switch tooLarge := (*http.MaxBytesError)(nil); {
	case errors.As(err, &tooLarge):
		reply(rw, http.StatusRequestEntityTooLarge, answer{Error: fmt.Sprintf("at most %d bytes of %s are taken at once", limit, what)})
	case err != nil:
		reply(rw, http.StatusRequestTimeout, answer{Error: fmt.Sprintf("the request did not arrive whole: %v", err)})
	}
	return buffer.Bytes(), err == nil
}

// one judges one effect.
func (e *endpoint) one(replica string, text []byte) (status int, a answer) {
	reported, err := decodeEffect(text)
	if err != nil {
		return http.StatusBadRequest, answer{Error: err.Error()}
	}
	return told(e.ledger.enter(replica, &reported))
}

// told is the answer to what was decided, or to what kept the ledger from it.
func told(d decision, err error) (status int, a answer) {
	switch {
	case errors.Is(err, errClosed):
		return http.StatusServiceUnavailable, answer{Error: err.Error()}
	case err != nil:
		return http.StatusInternalServerError, answer{Error: err.Error()}
	}
	switch d.outcome {
	case history.Stale:
		return http.StatusConflict, answer{Outcome: d.outcome, Term: &d.highest}
	case history.Seen:
		return http.StatusAlreadyReported, answer{Outcome: d.outcome, Note: d.remark}
	default:
		return http.StatusOK, answer{Outcome: d.outcome}
	}
}

// batch judges one effect a line, and answers one line each. Every line is
// decided by itself.
func (e *endpoint) batch(rw http.ResponseWriter, replica string, body []byte) {
	if len(body) == 0 {
		reply(rw, http.StatusBadRequest, answer{Error: "there are no lines"})
		return
	}
	var answers bytes.Buffer
	encoder := json.NewEncoder(&answers)
	for line := range bytes.Lines(body) {
		status, a := e.one(replica, bytes.TrimSuffix(line, []byte("\n")))
		if status >= http.StatusInternalServerError {
			reply(rw, status, a)
			return
		}
		a.Status = status
		if status == http.StatusBadRequest {
			e.refused(replica, status, a.Error)
		}
		if err := encoder.Encode(a); err != nil {
			reply(rw, http.StatusInternalServerError, answer{Error: err.Error()})
			return
		}
	}
	send(rw, http.StatusOK, typeLines, answers.Bytes())
}

func reply(rw http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be encoded"}`)
	}
	send(rw, status, typeJSON, append(text, '\n'))
}

// send breaks the connection off where the answer cannot be written: its
// reader must not take half of it for the whole.
func send(rw http.ResponseWriter, status int, media string, text []byte) {
	rw.Header().Set("Content-Type", media)
	rw.WriteHeader(status)
	if _, err := rw.Write(text); err != nil {
		panic(http.ErrAbortHandler)
	}
}
