package drilltest

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/drills/witness"
)

// stage is what a system is started in: a substrate that notes what it is asked
// for, and a witness.
type stage struct {
	substrate *noting
	witness   *witness.Witness
	seen      *seen
}

// newStage makes a fresh one, which ends with the test.
func newStage(t *testing.T, provider catalog.Provider) *stage {
	t.Helper()
	dir := t.ArtifactDir()
	log, err := history.Create(filepath.Join(dir, "history.jsonl"), history.Header{Scenario: t.Name()})
	noError(t, err, "begin a record")
	t.Cleanup(func() { noError(t, log.Seal(), "end the record") })
	s := &stage{seen: &seen{log: log}}
	t.Cleanup(log.Observe(s.seen.observe))
	s.witness, err = witness.Start(t.Context(), witness.Config{Log: log})
	noError(t, err, "start the witness")
	t.Cleanup(func() { noError(t, closeIn(t, s.witness.Close), "end the witness") })
	substrate, err := provider.New(t.Context(), filepath.Join(dir, "logs"))
	noError(t, err, "make a substrate")
	t.Cleanup(func() { noError(t, closeIn(t, substrate.Close), "close the substrate") })
	s.substrate = &noting{Substrate: substrate}
	return s
}

// environment is what the system is started with.
func (s *stage) environment() drills.Environment {
	backends := map[string]string{}
	for _, b := range s.witness.Backends() {
		backends[b.Name()] = b.Addr()
	}
	return drills.Environment{
		Substrate: s.substrate, Witness: s.witness.Addr(), Token: s.witness.Token, Backends: backends, Seed: 1,
	}
}

// noting is a substrate that notes what it is asked for.
type noting struct {
	drills.Substrate
	launching func() // called before each launch; may be nil

	mu      sync.Mutex
	started []drills.Process
	stores  []drills.Store
	specs   []drills.ProcessSpec
	linked  []drills.Link
}

func (n *noting) Store(ctx context.Context, name string, role drills.Role) (drills.Store, error) {
	store, err := n.Substrate.Store(ctx, name, role)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.started, n.stores = append(n.started, store), append(n.stores, store)
	return store, nil
}

func (n *noting) Launch(ctx context.Context, spec drills.ProcessSpec) (drills.Process, error) {
	if n.launching != nil {
		n.launching()
	}
	process, err := n.Substrate.Launch(ctx, spec)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.started, n.specs = append(n.started, process), append(n.specs, spec)
	return process, nil
}

func (n *noting) Link(ctx context.Context, spec drills.LinkSpec) (drills.Link, error) {
	link, err := n.Substrate.Link(ctx, spec)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.linked = append(n.linked, link)
	return link, nil
}

// running names the processes that run, of all that were started.
func (n *noting) running() (names []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.started {
		if info := p.Info(); info.PID != 0 {
			names = append(names, info.Name)
		}
	}
	return names
}

// effect is one that reached the witness.
type effect struct {
	history.Effect
	key    string
	remark string // of the witness; not empty where its key was known under another subject
	at     time.Duration
}

// seen is every effect so far.
type seen struct {
	log     *history.Log
	mu      sync.Mutex
	effects []effect
	err     error // first event that could not be read
}

func (s *seen) observe(e *history.Event) {
	if e.Op != history.OpEffect {
		return
	}
	detail, err := history.DecodeEffect(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && s.err == nil {
		s.err = err
	}
	s.effects = append(s.effects, effect{Effect: detail, key: e.Key, remark: e.Err, at: e.At})
}

// now is the time on the clock of effects.
func (s *seen) now() time.Duration { return s.log.Now() }

// where are the effects of which that is true, in their order.
func (s *seen) where(is func(effect) bool) (found []effect) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.effects {
		if is(e) {
			found = append(found, e)
		}
	}
	return found
}

// of are the effects of a subject. One whose key was known under another subject
// is none.
func (s *seen) of(subject string) []effect {
	return s.where(func(e effect) bool {
		return e.Subject == subject && e.remark == "" && e.Outcome != history.Stale
	})
}

// since says whether that replica has reported anything since then.
func (s *seen) since(at time.Duration, replicas ...string) bool {
	return len(s.where(func(e effect) bool { return e.at > at && slices.Contains(replicas, e.Replica) })) > 0
}
