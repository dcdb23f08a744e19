package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drillrun/drillrun/drills"
)

const (
	// answersWithin is how long a healthy link may take to bring an answer.
	answersWithin = 2 * time.Second
	// silentFor is how long a link must bring nothing to be called silent.
	silentFor = 250 * time.Millisecond
)

// Partition makes links swallow what they carry: a network that is split, a
// firewall that drops. No connection is closed and none is refused, so that
// neither side learns of it but by waiting; existing connections go silent and
// new ones are never answered.
func Partition() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "partition",
			Usage:      "partition FROM->TO[,TO…] [dir=both|requests|replies] [for=DURATION] [&]",
			Summary:    "black hole: the links carry nothing, close nothing, refuse nothing",
			Doc:        "Stands for a split network or a firewall that drops. FROM is a replica (leader, follower, replica-2 …), TO what it depends on (postgres, redis, witness), or \"all\" of these. With dir=replies requests still arrive and only the answers are lost. Proved by a probe through each link, which is answered before and meets silence after. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      checkPartition,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			ends, err := parseEnds(a.Words[0])
			return &partition{ends: ends, direction: drills.Direction(a.Option("dir", string(drills.Both)))}, err
		},
		Held: drills.HeldFor,
	}
}

func checkPartition(a drills.Args) error {
	if err := a.Takes(1, 1, "dir", "for"); err != nil {
		return err
	}
	if _, err := parseEnds(a.Words[0]); err != nil {
		return err
	}
	switch d := drills.Direction(a.Option("dir", string(drills.Both))); d {
	case drills.Both, drills.Requests, drills.Replies:
	default:
		return fmt.Errorf("dir=%s: want both, requests or replies", d)
	}
	_, err := a.Duration("for", 0)
	return err
}

// ends are the ends of the links to be cut.
type ends struct {
	from string   // a selector
	to   []string // names, or "all"
}

func parseEnds(text string) (ends, error) {
	from, to, ok := strings.Cut(text, "->")
	e := ends{from: from, to: strings.Split(to, ",")}
	if !ok || from == "" || slices.Contains(e.to, "") {
		return e, fmt.Errorf("%q: want FROM->TO, such as leader->postgres,redis", text)
	}
	return e, nil
}

type partition struct {
	ends      ends
	direction drills.Direction
	cut       []cut
}

// cut is a link to be cut, and what stands at its far end.
type cut struct {
	drills.Link
	to drills.Process // nil where it is no process of the cluster: the witness
}

func (c cut) String() string {
	from, to := c.Ends()
	return from + "->" + to
}

func (c cut) probe(ctx context.Context, limit time.Duration) error {
	var role drills.Role
	if c.to != nil {
		role = c.to.Info().Role
	}
	return probe(ctx, c.Addr(), role, limit)
}

// Plan picks the links and sees that each of them carries answers now: silence
// afterwards is then the fault's doing.
func (f *partition) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	victims, _, err := running(ctx, t, f.ends.from)
	if err != nil {
		return drills.Undo{}, err
	}
	undo := drills.Undo{Action: drills.ActionHeal, Victims: names(victims)}
	if f.cut, err = f.links(t.Cluster(), undo.Victims); err != nil {
		return drills.Undo{}, err
	}
	for _, c := range f.cut {
		undo.Links = append(undo.Links, c.String())
	}
	return undo, f.each(func(c cut) error { return c.probe(ctx, answersWithin) })
}

// links are the links from the victims to each of the wanted ends.
func (f *partition) links(cluster drills.Cluster, victims []string) ([]cut, error) {
	found := map[string]bool{}
	var cuts []cut
	for _, l := range cluster.Links() {
		from, to := l.Ends()
		if slices.Contains(victims, from) && (slices.Contains(f.ends.to, to) || slices.Contains(f.ends.to, "all")) {
			found[to] = true
			cuts = append(cuts, cut{Link: l, to: byName(cluster, to)})
		}
	}
	for _, to := range f.ends.to {
		if !found[to] && (to != "all" || len(cuts) == 0) {
			return nil, fmt.Errorf("there is no link from %s to %q", strings.Join(victims, ", "), to)
		}
	}
	return cuts, nil
}

func byName(cluster drills.Cluster, name string) drills.Process {
	for _, p := range cluster.Processes() {
		if p.Info().Name == name {
			return p
		}
	}
	return nil
}

func (f *partition) Inject(ctx context.Context) error {
	return f.each(func(c cut) error {
		return c.Degrade(ctx, drills.Degradation{Kind: drills.BlackHole, Direction: f.direction})
	})
}

// Await probes every link and wants silence.
func (f *partition) Await(ctx context.Context) (drills.Evidence, error) {
	err := f.each(func(c cut) error {
		switch err := c.probe(ctx, silentFor); {
		case err == nil:
			return errors.New("a probe was answered")
		case errors.Is(err, errSilent):
			return nil
		default:
			return fmt.Errorf("it is not silent: %w", err)
		}
	})
	if err != nil {
		return nil, err
	}
	var links []string
	for _, c := range f.cut {
		links = append(links, c.String())
	}
	return drills.Evidence{"silent": links, "direction": f.direction, "probed_ms": silentFor.Milliseconds()}, nil
}

// Recover heals the links and sees each of them carry answers again, where
// there is somebody to answer.
func (f *partition) Recover(ctx context.Context) error {
	return f.each(func(c cut) error {
		if err := c.Heal(ctx); err != nil {
			return err
		}
		if c.to != nil && c.to.Info().PID == 0 {
			return nil
		}
		return c.probe(ctx, answersWithin)
	})
}

// each does the same to every link at once.
func (f *partition) each(do func(cut) error) error {
	var all errgroup.Group
	for _, c := range f.cut {
		all.Go(func() error {
			if err := do(c); err != nil {
				return fmt.Errorf("link %s: %w", c, err)
			}
			return nil
		})
	}
	return all.Wait()
}
