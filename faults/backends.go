package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/internal/suggest"
)

// allBackends is the word for all of them.
const allBackends = "all"

// checkBackends is the check of faults with one word BACKEND, for= and more
// options.
func checkBackends(a drills.Args, more ...string) error {
	if err := a.Takes(1, 1, append([]string{"for"}, more...)...); err != nil {
		return err
	}
	if known := append(drills.BackendNames(), allBackends); !slices.Contains(known, a.Words[0]) {
		return suggest.Unknown("backend", a.Words[0], known)
	}
	_, err := a.Duration("for", 0)
	return err
}

// impaired is a fault of the witness's backends: some of them are bad in the
// same way. The probes that show it ask for their health and have no effect.
type impaired struct {
	name    string // of a backend, or "all"
	how     drills.Impairment
	victims []drills.Backend
}

// Plan picks the backends and sees that each of them is healthy now: what
// becomes of that afterwards is then the fault's doing.
func (f *impaired) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	f.victims = nil
	for _, b := range t.Backends() {
		if f.name == b.Name() || f.name == allBackends {
			f.victims = append(f.victims, b)
		}
	}
	if len(f.victims) == 0 {
		return drills.Undo{}, fmt.Errorf("the drill has no backend to hit by %q", f.name)
	}
	undo := drills.Undo{Action: drills.ActionHeal, Victims: f.names()}
	return undo, f.each(func(_ drills.Backend, probe prober) error { return healthy(ctx, probe) })
}

func (f *impaired) Inject(ctx context.Context) error {
	return f.each(func(b drills.Backend, _ prober) error { return b.Degrade(ctx, f.how) })
}

// Recover heals the backends and sees that they are healthy again.
func (f *impaired) Recover(ctx context.Context) error {
	return f.each(func(b drills.Backend, probe prober) error {
		if err := b.Heal(ctx); err != nil {
			return err
		}
		return healthy(ctx, probe)
	})
}

// names are the backends, as evidence has them: none is taken for a process.
func (f *impaired) names() []string {
	var list []string
	for _, b := range f.victims {
		list = append(list, "backend/"+b.Name())
	}
	return list
}

// each does the same to every backend at once, and gives it what probes it.
func (f *impaired) each(do func(drills.Backend, prober) error) error {
	var all errgroup.Group
	for _, b := range f.victims {
		all.Go(survive(func() error {
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			if err := do(b, prober{addr: b.Addr(), over: transport}); err != nil {
				return fmt.Errorf("backend %s: %w", b.Name(), err)
			}
			return nil
		}))
	}
	return all.Wait()
}

// prober asks a backend for its health, over and over on one connection.
type prober struct {
	addr string
	key  string // it asks how a call with this key would fare; may be empty
	over http.RoundTripper
}

// ask returns the status of the answer, or errSilent where none comes in time.
func (p prober) ask(ctx context.Context, limit time.Duration) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+"/healthz?key="+p.key, nil)
	if err != nil {
		return 0, fmt.Errorf("make a probe: %w", err)
	}
	response, err := p.over.RoundTrip(request)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return 0, errSilent
	case err != nil:
		return 0, fmt.Errorf("probe: %w", err)
	}
	_, err = io.Copy(io.Discard, response.Body) // else the connection could not be used again
	return response.StatusCode, errors.Join(err, response.Body.Close())
}

// healthy wants a good answer.
func healthy(ctx context.Context, p prober) error {
	status, err := p.ask(ctx, answersWithin)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("it is not healthy: a probe was answered %d", status)
	}
	return err
}
