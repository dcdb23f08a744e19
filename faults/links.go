package faults

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drillrun/drillrun/drills"
)

// answersWithin is how long a healthy link may take to bring an answer.
const answersWithin = 2 * time.Second

// checkLinks is the check of faults with one word FROM->TO, for= and more
// options.
func checkLinks(a drills.Args, more ...string) error {
	if err := a.Takes(1, 1, append(more, "for")...); err != nil {
		return err
	}
	ends, err := parseEnds(a.Words[0])
	if err != nil {
		return err
	}
	if err := checkTargets(ends.from); err != nil {
		return err
	}
	switch d := direction(a); d {
	case drills.Both, drills.Requests, drills.Replies:
	default:
		return fmt.Errorf("dir=%s: want both, requests or replies", d)
	}
	_, err = a.Duration("for", 0)
	return err
}

func direction(a drills.Args) drills.Direction {
	return drills.Direction(a.Option("dir", string(drills.Both)))
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

// degraded is a fault of links: some of them are degraded in the same way.
type degraded struct {
	ends ends
	how  drills.Degradation
	cut  []cut
}

// degrading makes the base of a fault from its arguments.
func degrading(a drills.Args, how drills.Degradation) (degraded, error) {
	ends, err := parseEnds(a.Words[0])
	how.Direction = direction(a)
	return degraded{ends: ends, how: how}, err
}

// cut is a link to be degraded, and what stands at its far end.
type cut struct {
	drills.Link
	to drills.Process // nil where it is no process of the cluster: the witness, or a backend
}

func (c cut) String() string {
	from, to := c.Ends()
	return from + "->" + to
}

// role is that of the far end; the witness has none.
func (c cut) role() drills.Role {
	if c.to == nil {
		return ""
	}
	return c.to.Info().Role
}

func (c cut) probe(ctx context.Context, limit time.Duration) error {
	return probe(ctx, c.Addr(), c.role(), limit)
}

func (c cut) probeWith(ctx context.Context, bytes int, limit time.Duration) error {
	return probeWith(ctx, c.Addr(), c.role(), bytes, limit)
}

// Plan picks the links and sees that each of them carries answers now: what
// becomes of that afterwards is then the fault's doing.
func (f *degraded) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	undo, err := f.pick(ctx, t)
	if err != nil {
		return drills.Undo{}, err
	}
	return undo, f.each(func(c cut) error {
		if _, direct := c.Link.(drills.Dropper); direct {
			return fmt.Errorf("%w: the link is direct, past the proxy that could do that: only \"drop\" can hit it", drills.ErrUnsupported)
		}
		return c.probe(ctx, answersWithin)
	})
}

// pick chooses the links. A victim that is cut off from nothing but the witness and
// backends can go on: who leads is agreed upon elsewhere. That holds however the links
// were named, be it by "all".
func (f *degraded) pick(ctx context.Context, t drills.Target) (drills.Undo, error) {
	victims, _, err := running(ctx, t, f.ends.from)
	if err != nil {
		return drills.Undo{}, err
	}
	undo := drills.Undo{Action: drills.ActionHeal, Victims: names(victims)}
	if f.cut, err = f.links(t.Cluster(), undo.Victims); err != nil {
		return drills.Undo{}, err
	}
	undo.Links = f.names()
	undo.Mild = !slices.ContainsFunc(f.cut, func(c cut) bool { return c.to != nil })
	return undo, nil
}

// links are the links from the victims to each of the wanted ends.
func (f *degraded) links(cluster drills.Cluster, victims []string) ([]cut, error) {
	wanted := map[string]bool{}
	for _, to := range f.ends.to {
		if p := drills.Find(cluster.Processes(), to); p != nil {
			to = p.Info().Name
		}
		wanted[to] = true
	}
	found := map[string]bool{}
	var cuts []cut
	for _, l := range cluster.Links() {
		from, to := l.Ends()
		if slices.Contains(victims, from) && (wanted[to] || wanted["all"]) {
			found[to] = true
			cuts = append(cuts, cut{Link: l, to: byName(cluster, to)})
		}
	}
	for to := range wanted {
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

func (f *degraded) Inject(ctx context.Context) error {
	return f.each(func(c cut) error {
		return c.Degrade(ctx, f.how)
	})
}

// names are the links, as evidence has them.
func (f *degraded) names() []string {
	var list []string
	for _, c := range f.cut {
		list = append(list, c.String())
	}
	return list
}

// Recover heals the links and sees each of them carry answers again, where
// there is somebody to answer.
func (f *degraded) Recover(ctx context.Context) error {
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
func (f *degraded) each(do func(cut) error) error {
	var all errgroup.Group
	for _, c := range f.cut {
		all.Go(survive(func() error {
			if err := do(c); err != nil {
				return fmt.Errorf("link %s: %w", c, err)
			}
			return nil
		}))
	}
	return all.Wait()
}
