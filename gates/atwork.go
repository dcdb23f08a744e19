package gates

import "github.com/drillrun/drillrun/drills/history"

// AtWork counts how many different things are at work at once: jobs, or what jobs
// have in common. A thing is at work while a call for it is under way, and
// however many of them are, it is one.
//
//	job a  ──────invoke═══invoke═══ok═══ok──────
//	job b  ──────────invoke════════════════ok───      two at once
//
// Things are flights like those of [Flights]: one from the arrival of its first
// call to the end of the last that is under way.
type AtWork[T comparable] struct {
	flights Flights
	calls   map[*Call]T // under way
	work    map[T]*work
	heard   map[string]uint64 // by replica: the event at which its last call arrived
	begun   uint64            // flights: the number of the latest
}

// work is a thing with a call under way.
type work struct {
	flight uint64
	calls  int
}

// Observe takes note of the arrival of a call for that thing, or of the call's end.
func (a *AtWork[T]) Observe(thing T, call *Call, phase history.Phase, now Moment) {
	if phase == history.Invoke {
		a.begin(thing, call)
		return
	}
	if w := a.take(call); w != nil && w.calls == 0 {
		a.flights.Observe(phase, w.flight, now)
	}
}

func (a *AtWork[T]) begin(thing T, call *Call) {
	if a.calls == nil {
		a.calls, a.work, a.heard = map[*Call]T{}, map[T]*work{}, map[string]uint64{}
	}
	w := a.work[thing]
	if w == nil {
		a.begun++
		w = &work{flight: a.begun}
		a.work[thing] = w
		a.flights.Observe(history.Invoke, w.flight, call.Arrived)
	}
	a.calls[call] = thing
	a.heard[call.Replica] = call.Arrived.Seq
	w.calls++
}

// Drop lets go of every call of a replica that has ended.
func (a *AtWork[T]) Drop(replica string, now Moment) {
	for call := range a.calls {
		if call.Replica != replica {
			continue
		}
		if w := a.take(call); w.calls == 0 {
			a.flights.Died(w.flight, a.heard[replica], now)
		}
	}
}

// take takes a call out of the work that it is for; nil where it is in none, or has
// been taken out before.
func (a *AtWork[T]) take(call *Call) *work {
	thing, underWay := a.calls[call]
	if !underWay {
		return nil
	}
	delete(a.calls, call)
	w := a.work[thing]
	if w.calls--; w.calls == 0 {
		delete(a.work, thing)
	}
	return w
}

// Most is how many were at work at once, and the arrival at which that was first
// seen; see [Flights.Most].
func (a *AtWork[T]) Most(ended bool) (n int, seq uint64) { return a.flights.Most(ended) }
