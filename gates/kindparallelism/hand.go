package kindparallelism

import (
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// hand is what one replica has under way. A job is one flight, from the arrival
// of its first call to the end of the last one that is under way.
type hand struct {
	flights gates.Flights
	calls   map[*gates.Call]bool
	jobs    map[string]*work
	begun   uint64 // flights: the number of the latest
}

// work is one job with a call under way.
type work struct {
	flight uint64
	calls  int
}

func (h *hand) begin(job string, call *gates.Call, now gates.Moment) {
	w := h.jobs[job]
	if w == nil {
		h.begun++
		w = &work{flight: h.begun}
		h.jobs[job] = w
		h.flights.Observe(history.Invoke, w.flight, now)
	}
	h.calls[call] = true
	w.calls++
}

// end takes a call out of the hand, unless that was done before.
func (h *hand) end(job string, call *gates.Call, phase history.Phase, now gates.Moment) {
	if !h.calls[call] {
		return
	}
	delete(h.calls, call)
	w := h.jobs[job]
	if w.calls--; w.calls == 0 {
		delete(h.jobs, job)
		h.flights.Observe(phase, w.flight, now)
	}
}

// drop lets go of everything: the replica has ended.
func (h *hand) drop(now gates.Moment) {
	for _, w := range h.jobs {
		h.flights.Observe(history.OK, w.flight, now)
	}
	clear(h.calls)
	clear(h.jobs)
}
