package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
	"github.com/drillrun/drillrun/drills/engine/verbs"
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/gates/duplicates"
	"github.com/drillrun/drillrun/gates/lost"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// toySettle is the time that the toy's own machinery needs.
const toySettle = 50 * time.Millisecond

// toy is the smallest system that can be drilled: replicas that are only
// switched on and off, one of which leads, and that report their effects
// straight into the history. It shows what the engine does; what a real system
// does is shown by drilling the reference.
type toy struct {
	log *history.Log

	mu       sync.Mutex
	replicas []*toyReplica
	term     uint64
	leader   string
	refuse   error // what every submission is answered with, if anything
	mute     bool  // acknowledge, and have no effect
	hang     *hang // what every submission waits in, if anything
	flat     bool  // nobody leads, and none is promised to
	lasts    bool  // its data outlive the drill
	links    []drills.Link
	parts    time.Duration // how long a replica takes to end when it is asked to
	stop     chan struct{}
	beats    sync.WaitGroup
}

func newToy(t *testing.T) *toy {
	t.Helper()
	log, err := history.Create(filepath.Join(t.TempDir(), "history.jsonl"), history.Header{})
	require.NoError(t, err)
	c := &toy{log: log, stop: make(chan struct{})}
	for i, name := range []string{"replica-1", "replica-2", "replica-3"} {
		c.replicas = append(c.replicas, &toyReplica{toy: c, name: name, pid: 100 + i})
	}
	c.beats.Go(c.beat)
	t.Cleanup(func() {
		close(c.stop)
		c.beats.Wait()
		require.NoError(t, log.Close())
	})
	return c
}

// beat has the leader act, and elects the first replica that runs.
func (c *toy) beat() {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-tick.C:
			c.lead()
		}
	}
}

func (c *toy) lead() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.replicas {
		if r.pid == 0 || c.flat {
			continue
		}
		if c.leader != r.name {
			c.leader, c.term = r.name, c.term+1
		}
		c.effect(history.Effect{Replica: r.name, Subject: "beat", Kind: history.KindFenced, Leadership: "control", Term: c.term})
		return
	}
}

func (c *toy) effect(e history.Effect) {
	e.Outcome = history.Accepted
	c.log.Append(history.Event{Actor: "witness", Op: history.OpEffect, Phase: history.OK, Key: e.Subject, Detail: history.EffectDetail(e)})
}

func (c *toy) Processes() (all []drills.Process) {
	for _, r := range c.replicas {
		all = append(all, r)
	}
	return all
}

func (c *toy) Lasts() bool                 { return c.lasts }
func (c *toy) Links() []drills.Link        { return c.links }
func (c *toy) Close(context.Context) error { return nil }

func (c *toy) Open(_ context.Context, replica string) (drills.Client, error) {
	for _, r := range c.replicas {
		if r.name == replica {
			return r, nil
		}
	}
	return nil, errors.New("no such replica")
}

type toyReplica struct {
	toy   *toy
	name  string
	pid   int
	stuck error // what Start fails with
}

func (r *toyReplica) Info() drills.ProcessInfo {
	r.toy.mu.Lock()
	defer r.toy.mu.Unlock()
	return drills.ProcessInfo{Name: r.name, Role: drills.RoleReplica, PID: r.pid}
}

func (r *toyReplica) Start(context.Context) error {
	r.toy.mu.Lock()
	defer r.toy.mu.Unlock()
	if r.stuck == nil {
		r.pid = 200
	}
	return r.stuck
}

func (r *toyReplica) Kill(context.Context) error {
	r.toy.mu.Lock()
	defer r.toy.mu.Unlock()
	r.pid = 0
	return nil
}

// Terminate takes a while, as a replica that hands over does.
func (r *toyReplica) Terminate(ctx context.Context) (drills.Exit, error) {
	if err := engine.Pause(ctx, r.toy.parts); err != nil {
		return drills.Exit{}, err
	}
	return drills.Exit{}, r.Kill(ctx)
}

func (r *toyReplica) Logs(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("")), nil
}

func (r *toyReplica) Do(ctx context.Context, op drills.Op) (json.RawMessage, error) {
	if err := r.toy.hang.wait(ctx); err != nil {
		return nil, err
	}
	r.toy.mu.Lock()
	defer r.toy.mu.Unlock()
	switch {
	case r.pid == 0:
		return nil, errors.New("connection lost")
	case r.toy.refuse != nil:
		return nil, r.toy.refuse
	case !r.toy.mute:
		r.toy.effect(history.Effect{Replica: r.name, Subject: op.Subject, Kind: history.KindOnce})
	}
	return nil, nil
}

func (r *toyReplica) Close() error { return nil }

// script makes a scenario of lines, each a verb with words and options.
func script(lines ...string) *drills.Scenario {
	s := &drills.Scenario{Name: "test"}
	for i, line := range lines {
		fields := strings.Fields(line)
		step := drills.Step{Line: i + 1, Text: line, Verb: fields[0], Args: drills.Args{Options: map[string]string{}}}
		for _, f := range fields[1:] {
			if name, value, isOption := strings.Cut(f, "="); isOption {
				step.Args.Options[name] = value
			} else if f == "&" {
				step.Background = true
			} else {
				step.Args.Words = append(step.Args.Words, f)
			}
		}
		s.Steps = append(s.Steps, step)
	}
	return s
}

// follow runs a script against the toy and returns the events it left.
func follow(t *testing.T, c *toy, faults map[string]drills.FaultSpec, seed uint64, lines ...string) ([]history.Event, error) {
	t.Helper()
	return followWithin(t, t.Context(), c, faults, seed, lines...)
}

func followWithin(t *testing.T, ctx context.Context, c *toy, faults map[string]drills.FaultSpec, seed uint64, lines ...string) ([]history.Event, error) {
	t.Helper()
	return followWith(t, ctx, c, engine.Config{Scenario: script(lines...), Faults: faults, Seed: seed})
}

// followWith completes what is common to all drills of the toy.
func followWith(t *testing.T, ctx context.Context, c *toy, config engine.Config) ([]history.Event, error) {
	t.Helper()
	journal, err := engine.CreateJournal(filepath.Join(t.TempDir(), "undo.jsonl"))
	require.NoError(t, err)
	defer func() { require.NoError(t, journal.Close()) }()
	var mu sync.Mutex
	var events []history.Event
	cancel := c.log.Observe(func(e *history.Event) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e.Clone())
	})
	view, stopView := engine.Watch(c.log)
	defer stopView()
	pulse, stopPulse := engine.TakePulse(c.log)
	defer stopPulse()
	config.View, config.Pulse = view, pulse
	if config.Cluster == nil {
		config.Cluster = c
	}
	config.Log, config.Journal = c.log, journal
	config.Guarantees = drills.Guarantees{Leader: !c.flat, Jobs: true}
	own := config.Verbs
	config.Settle, config.Verbs = toySettle, verbs.All()
	maps.Copy(config.Verbs, own)
	err = engine.Run(ctx, config)
	cancel()
	mu.Lock()
	defer mu.Unlock()
	return events, err
}

// judge holds gates against what a drill has left.
func judge(t *testing.T, events []history.Event, followed error, lines ...string) gates.Judgement {
	t.Helper()
	end := history.Event{Actor: "engine", Op: history.OpEnd, Phase: history.OK, At: events[len(events)-1].At}
	if followed != nil {
		end.Phase, end.Err = history.Info, followed.Error()
	}
	events = append(slices.Clone(events), end)
	for i := range events {
		events[i].Seq = uint64(i + 1)
	}
	var compiled []gates.Gate
	for _, line := range lines {
		g, err := gates.Compile(line, map[string]gates.Metric{"lost": lost.Metric(), "duplicates": duplicates.Metric()})
		require.NoError(t, err)
		compiled = append(compiled, g)
	}
	return gates.Judge(history.New(history.Header{
		Guarantees: history.Guarantees{Leader: true, Jobs: true, Effects: string(drills.ExactlyOnce)}, Settle: toySettle,
	}, events), compiled, nil)
}

// select events of an operation and phase.
func of(events []history.Event, op string, phase history.Phase) (found []history.Event) {
	for _, e := range events {
		if e.Op == op && e.Phase == phase {
			found = append(found, e)
		}
	}
	return found
}
