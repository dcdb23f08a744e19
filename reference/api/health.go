package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
)

const (
	// probeEvery is how often each dependency is asked.
	probeEvery = 100 * time.Millisecond
	// probeLimit is how old the last good answer may be. A black hole is told
	// apart from a busy machine only by waiting; an error is known at once.
	probeLimit = 500 * time.Millisecond
)

// Probe asks one dependency whether it works.
type Probe struct {
	Name string
	Ask  func(ctx context.Context) error
}

// Health is what a replica knows of its dependencies. It is asked often and
// answers from memory.
type Health struct {
	probes []Probe
	mu     sync.Mutex
	states map[string]state
}

type state struct {
	good time.Time // when the last good answer was asked for
	err  error     // of the latest answer
}

var errNotAsked = errors.New("not asked yet")

// NewHealth returns a Health that is degraded until each probe has answered.
func NewHealth(probes ...Probe) *Health {
	h := &Health{probes: probes, states: make(map[string]state)}
	for _, p := range probes {
		h.states[p.Name] = state{err: errNotAsked}
	}
	return h
}

// Run probes until ctx ends.
func (h *Health) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, p := range h.probes {
		all.Go(func() {
			for ctx.Err() == nil {
				h.ask(ctx, p)
				if backoff.Sleep(ctx, probeEvery) != nil {
					return
				}
			}
		})
	}
	all.Wait()
}

func (h *Health) ask(ctx context.Context, p Probe) {
	asked := time.Now()
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	err := p.Ask(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.states[p.Name]
	if s.err = err; err == nil {
		s.good = asked
	}
	h.states[p.Name] = s
}

// Degraded says why the replica is not ready, or nothing.
func (h *Health) Degraded() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var why []string
	for name, s := range h.states {
		switch age := time.Since(s.good); {
		case s.err != nil:
			why = append(why, fmt.Sprintf("%s: %v", name, s.err))
		case age > probeEvery+probeLimit:
			why = append(why, fmt.Sprintf("%s: no answer for %v", name, age.Round(time.Millisecond)))
		}
	}
	slices.Sort(why)
	return strings.Join(why, "; ")
}
