package teststores

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// Arrival is one effect as it reached the receiver, and the answer it got.
type Arrival struct {
	At         time.Time
	Subject    string `json:"subject"`
	Key        string `json:"key"`
	Kind       string `json:"kind"`
	Leadership string `json:"leadership"`
	Term       uint64 `json:"term"`
	Attempt    int    `json:"attempt"`
	Status     int
}

// Receiver is the outside world of a test: it takes effects by the rules for
// once and fenced.
type Receiver struct {
	server   *httptest.Server
	mu       sync.Mutex
	arrivals []Arrival
	keys     map[string]bool
	terms    map[string]uint64
	answer   func(Arrival) int
	changed  chan struct{} // closed and replaced at each arrival
}

// NewReceiver starts a receiver for this test.
func NewReceiver(t TB) *Receiver {
	t.Helper()
	r := &Receiver{keys: make(map[string]bool), terms: make(map[string]uint64), changed: make(chan struct{})}
	r.server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.server.Close)
	return r
}

// URL is the receiver's base URL.
func (r *Receiver) URL() string { return r.server.URL }

// Answer has f asked first about each effect; a status other than 0 is the
// answer, and the effect has not happened.
func (r *Receiver) Answer(f func(Arrival) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// Arrivals are all effects so far, in the order of their arrival, and a
// channel that is closed when there are more.
func (r *Receiver) Arrivals() ([]Arrival, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Arrival(nil), r.arrivals...), r.changed
}

func (r *Receiver) serve(w http.ResponseWriter, req *http.Request) {
	switch {
	case req.Method == http.MethodGet: // its health
		w.WriteHeader(http.StatusOK)
		return
	case req.URL.Path == "/v1/durations":
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var a Arrival
	if err := json.NewDecoder(req.Body).Decode(&a); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.At = time.Now()
	w.WriteHeader(r.take(a))
}

func (r *Receiver) take(a Arrival) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	a.Status = r.judge(a)
	r.arrivals = append(r.arrivals, a)
	close(r.changed)
	r.changed = make(chan struct{})
	return a.Status
}

func (r *Receiver) judge(a Arrival) int {
	if r.answer != nil {
		if status := r.answer(a); status != 0 {
			return status
		}
	}
	if a.Kind == "fenced" {
		if a.Term < r.terms[a.Leadership] {
			return http.StatusConflict
		}
		r.terms[a.Leadership] = a.Term
	}
	key := a.Leadership + "\x00" + a.Key
	if r.keys[key] {
		return http.StatusAlreadyReported
	}
	r.keys[key] = true
	return http.StatusOK
}
