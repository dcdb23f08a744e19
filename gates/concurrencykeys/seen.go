package concurrencykeys

import (
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// seen finds the calls of jobs that have concurrency keys.
type seen struct {
	follow gates.Calls
	keys   map[string]*key
	of     gates.Column[*key] // by job
	calls  int                // that have arrived
}

// key is a concurrency key, and what has been seen of its jobs.
type key struct {
	jobs   gates.AtWork[gates.Subject]
	called bool          // a job of it was seen at a backend
	first  gates.Subject // which one
	shared bool          // and another was, too
}

// call is the call whose begin or end the event is, with its job and the key of
// that; no key for any other event.
func (s *seen) call(e *gates.Event) (*gates.Call, gates.Subject, *key) {
	if submit, ok := e.Submit(); ok && submit.ConcurrencyKey != "" {
		s.submitted(e, submit.ConcurrencyKey)
		return nil, 0, nil
	}
	call := s.follow.Observe(e)
	if call == nil {
		return nil, 0, nil
	}
	for job := range e.JobOf(&call.Effect) {
		if key := *s.of.At(job); key != nil {
			if e.Phase == history.Invoke {
				s.calls++
				key.see(job)
			}
			return call, job, key
		}
	}
	return nil, 0, nil
}

// submitted notes the key of a job.
func (s *seen) submitted(e *gates.Event, name string) {
	if s.keys == nil {
		s.keys = map[string]*key{}
	}
	if s.keys[name] == nil {
		s.keys[name] = &key{}
	}
	if job, ok := e.Subject(); ok {
		*s.of.At(job) = s.keys[name]
	}
}

func (k *key) see(job gates.Subject) {
	if !k.called {
		k.called, k.first = true, job
	}
	k.shared = k.shared || job != k.first
}

// atWork is how many keys have had a job at a backend.
func (s *seen) atWork() (n int) {
	for _, k := range s.keys {
		if k.called {
			n++
		}
	}
	return n
}
