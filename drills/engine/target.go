package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/internal/suggest"
)

// leaderAgreement is how long the system and the witness may take to agree on
// who leads, before choosing a victim is given up.
const leaderAgreement = 10 * time.Second

// nameAgreement is how long a leadership that others are known beside may be without
// any holder.
const nameAgreement = 3 * time.Second

// waiterStays is how long a waiter must still keep its place in the queue to be
// chosen: a fault on it would be in vain if it left by itself first.
const waiterStays = 250 * time.Millisecond

// target resolves selectors against the drill as it stands.
type target struct {
	drill *Drill
}

func (t *target) Cluster() drills.Cluster { return t.drill.cfg.Cluster }

func (t *target) Backends() []drills.Backend { return t.drill.cfg.Backends }

// Resolve turns a selector into processes. What it draws comes from the seed.
func (t *target) Resolve(ctx context.Context, selector string) ([]drills.Process, error) {
	running := t.running()
	if key, one := strings.CutPrefix(selector, "leader/"); one {
		name, err := t.leader(ctx, key)
		if err != nil {
			return nil, err
		}
		return t.named(name)
	}
	switch selector {
	case "leader":
		name, err := t.leader(ctx, "")
		if err != nil {
			return nil, err
		}
		return t.named(name)
	case "follower":
		return t.follower(ctx, running)
	case "waiter":
		return t.waiter(ctx)
	case "any":
		return t.pick(running, "any")
	case "all":
		if len(running) == 0 {
			return nil, errors.New("no replica runs")
		}
		return running, nil
	case "victim":
		victims := t.drill.guard.Victims()
		if len(victims) == 0 {
			return nil, errors.New("there is no victim yet: no fault has been injected")
		}
		return t.named(victims...)
	}
	return t.named(selector)
}

// running lists the replicas that run.
func (t *target) running() []drills.Process {
	var found []drills.Process
	for _, p := range t.Cluster().Processes() {
		if info := p.Info(); info.Role == drills.RoleReplica && info.PID != 0 {
			found = append(found, p)
		}
	}
	return found
}

func (t *target) named(names ...string) ([]drills.Process, error) {
	var found []drills.Process
	for _, name := range names {
		p, err := t.byName(name)
		if err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	return found, nil
}

func (t *target) byName(name string) (drills.Process, error) {
	all := t.Cluster().Processes()
	if p := drills.Find(all, name); p != nil {
		return p, nil
	}
	var known []string
	for _, p := range all {
		known = append(known, p.Info().Name)
	}
	return nil, suggest.Unknown("target", name, append(known, "leader", "leader/KEY", "follower", "waiter", "any", "all", "victim"))
}

func (t *target) follower(ctx context.Context, running []drills.Process) ([]drills.Process, error) {
	leader := ""
	if t.drill.HasLeader() {
		var err error
		if leader, err = t.leader(ctx, ""); err != nil {
			return nil, err
		}
	}
	var followers []drills.Process
	for _, p := range running {
		if p.Info().Name != leader {
			followers = append(followers, p)
		}
	}
	return t.pick(followers, "follower")
}

// waiter is the replica that is next in the queue for the leadership, and will
// stay it for a moment.
func (t *target) waiter(ctx context.Context) ([]drills.Process, error) {
	queue, err := t.queue()
	if err != nil {
		return nil, fmt.Errorf("choose the waiter: %w", err)
	}
	name := ""
	err = t.drill.Poll(ctx, leaderAgreement, func() error {
		first, left, err := queue.Waiter(ctx)
		if err == nil && left < waiterStays {
			err = fmt.Errorf("%s gives its place up in %v", first, left.Round(time.Millisecond))
		}
		name = first
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find the first waiter: %w", err)
	}
	return t.named(name)
}

func (t *target) queue() (drills.QueueReporter, error) {
	reporter, ok := t.Cluster().(drills.QueueReporter)
	if !ok {
		return nil, fmt.Errorf("%w: the system tells no queue for its leadership", drills.ErrUnsupported)
	}
	return reporter, nil
}

// VictimNext says what is missing for the latest fault's victim to be next in
// the queue for the leadership.
func (d *Drill) VictimNext(ctx context.Context) error {
	queue, err := (&target{drill: d}).queue()
	if err != nil {
		return hopeless(err)
	}
	victims := d.guard.Victims()
	runs := slices.ContainsFunc((&target{drill: d}).running(), func(p drills.Process) bool { return slices.Contains(victims, p.Info().Name) })
	if !runs && !d.guard.pending() {
		return hopeless(errors.New("no victim of the last fault runs"))
	}
	first, _, err := queue.Waiter(ctx)
	if err == nil && !slices.Contains(victims, first) {
		err = fmt.Errorf("%s is next in the queue, and not hit by the last fault", first)
	}
	return err
}

func (t *target) pick(from []drills.Process, what string) ([]drills.Process, error) {
	if len(from) == 0 {
		return nil, fmt.Errorf("no replica to choose as %q", what)
	}
	i := t.drill.Stream("target " + what).IntN(len(from))
	return from[i : i+1], nil
}

// leader waits until the system's own word and the witness's agree on who holds
// a key, or the one that is meant without: in between two leaders there is no
// victim that could prove anything.
func (t *target) leader(ctx context.Context, key string) (string, error) {
	name := ""
	begun := t.drill.Now()
	err := t.drill.Poll(ctx, leaderAgreement, func() error {
		if len(t.running()) == 0 {
			return t.drill.nobody()
		}
		said, err := t.said(ctx, key)
		if err != nil {
			return t.hope(err, begun)
		}
		leaders := t.drill.view.Leaders()
		seen, ok := leaders[said.Key]
		switch {
		case !ok && key != "" && len(leaders) > 0:
			return t.hope(unheldError{suggest.Unknown("leadership", key, slices.Collect(maps.Keys(leaders)))}, begun)
		case !ok:
			return errors.New("no replica has acted as a leader yet")
		}
		name = seen.Replica
		if said.Replica != seen.Replica || said.Term != seen.Term {
			return fmt.Errorf("the system says %s (term %d), the witness %s (term %d)", said.Replica, said.Term, seen.Replica, seen.Term)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("find the leader: %w", err)
	}
	return name, nil
}

// said is the system's own word on who holds a key. One that has none is taken
// to agree with the witness.
func (t *target) said(ctx context.Context, key string) (drills.Leadership, error) {
	reporter, ok := t.Cluster().(drills.LeaderReporter)
	if !ok {
		seen, leadership := t.newest()
		if key != "" {
			leadership, seen = key, t.drill.view.Leaders()[key]
		}
		return drills.Leadership{Key: leadership, Replica: seen.Replica, Term: seen.Term}, nil
	}
	all, err := reporter.Leaderships(ctx)
	if err != nil {
		return drills.Leadership{}, err
	}
	var known []string
	for _, l := range all {
		if key == "" || l.Key == key {
			return l, nil
		}
		known = append(known, l.Key)
	}
	return drills.Leadership{}, unheldError{suggest.Unknown("leadership", key, known)}
}

// unheldError says that nobody holds a leadership of that name.
type unheldError struct{ error }

// hope gives up a leadership that nobody holds sooner than one in between two
// holders: its name is wrong.
func (t *target) hope(err error, begun time.Duration) error {
	if unheld := (unheldError{}); errors.As(err, &unheld) && t.drill.Now()-begun > nameAgreement {
		return hopeless(err)
	}
	return err
}

// newest is the leader that the witness heard from last, and of what.
func (t *target) newest() (newest Leader, key string) {
	for k, l := range t.drill.view.Leaders() {
		if l.At > newest.At {
			newest, key = l, k
		}
	}
	return newest, key
}
