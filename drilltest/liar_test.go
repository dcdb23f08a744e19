package drilltest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/drills/manifest"
)

// lie is what is wrong with a system.
type lie struct {
	guarantees func(*drills.Guarantees)
	hasty      bool // no settle interval
	lenient    bool // takes any option
	mute       bool // no effect reaches the witness
	substrate  func(drills.Substrate) drills.Substrate
	cluster    func(cluster) drills.Cluster
	client     func(drills.Client) drills.Client
}

// liar is the toy with a lie.
type liar struct {
	*manifest.System
	lie lie
}

func (l liar) Guarantees() drills.Guarantees {
	g := l.System.Guarantees()
	if l.lie.guarantees != nil {
		l.lie.guarantees(&g)
	}
	return g
}

func (l liar) Settle() time.Duration {
	if l.lie.hasty {
		return 0
	}
	return l.System.Settle()
}

// CheckOptions makes it a drills.Optioned, without a lie an honest one.
func (l liar) CheckOptions(options map[string]string) error {
	if len(options) > 0 && !l.lie.lenient {
		return errors.New("the toy has no options")
	}
	return nil
}

func (l liar) Start(ctx context.Context, env drills.Environment, replicas int) (drills.Cluster, error) {
	if err := l.CheckOptions(env.Options); err != nil {
		return nil, err
	}
	if l.lie.substrate != nil {
		env.Substrate = l.lie.substrate(env.Substrate)
	}
	if l.lie.mute {
		token := env.Token
		env.Token = func(replica string) string { return token(replica) + "?" }
	}
	env.Options = nil
	started, err := l.System.Start(ctx, env, replicas)
	if err != nil {
		return nil, err
	}
	all := cluster(opening{started.(cluster), l.lie.client})
	if l.lie.cluster != nil {
		return l.lie.cluster(all), nil
	}
	return all, nil
}

// cluster is all that the toy's cluster can.
type cluster interface {
	drills.Cluster
	drills.Prober
	drills.LeaderReporter
}

// opening opens clients with a lie.
type opening struct {
	cluster
	client func(drills.Client) drills.Client
}

func (o opening) Open(ctx context.Context, replica string) (drills.Client, error) {
	c, err := o.cluster.Open(ctx, replica)
	if err != nil || o.client == nil {
		return c, err
	}
	return o.client(c), nil
}

type shuffled struct {
	cluster
	looks atomic.Int64
}

func (s *shuffled) Processes() []drills.Process {
	all := s.cluster.Processes()
	if s.looks.Add(1)%2 == 0 {
		slices.Reverse(all)
	}
	return all
}

type forgetful struct{ cluster }

func (f forgetful) Links() []drills.Link { return f.cluster.Links()[1:] }

type storeless struct{ cluster }

func (s storeless) Processes() []drills.Process {
	return slices.DeleteFunc(s.cluster.Processes(), func(p drills.Process) bool { return p.Info().Role != drills.RoleReplica })
}

type wrapping struct{ cluster }

func (w wrapping) Processes() (all []drills.Process) {
	for _, p := range w.cluster.Processes() {
		all = append(all, struct{ drills.Process }{p})
	}
	return all
}

type optimist struct{ cluster }

func (optimist) Ready(context.Context, string) error { return nil }

type mistaken struct{ cluster }

func (m mistaken) Leaderships(ctx context.Context) ([]drills.Leadership, error) {
	all, err := m.cluster.Leaderships(ctx)
	if len(all) > 0 {
		all[0].Replica = map[bool]string{true: "replica-2", false: "replica-1"}[all[0].Replica == "replica-1"]
	}
	return all, err
}

type impatient struct{ cluster }

func (i impatient) Waiter(ctx context.Context) (string, time.Duration, error) {
	all, err := i.Leaderships(ctx)
	if err != nil {
		return "", 0, err
	}
	return all[0].Replica, time.Second, nil
}

type busy struct{ cluster }

func (busy) Inspect(context.Context) (drills.Snapshot, error) {
	return drills.Snapshot{history.CountUnfinished: 3}, nil
}

type undying struct{ cluster }

func (undying) Close(context.Context) error { return nil }

type once struct {
	cluster
	closed bool
}

func (o *once) Close(ctx context.Context) error {
	if o.closed {
		return errors.New("it is closed")
	}
	o.closed = true
	return o.cluster.Close(ctx)
}

type renaming struct{ drills.Client }

func (r renaming) Do(ctx context.Context, op drills.Op) (json.RawMessage, error) {
	op.Subject = "my own " + op.Key
	return r.Client.Do(ctx, op)
}

type rekeying struct {
	drills.Client
	tries atomic.Int64
}

func (r *rekeying) Do(ctx context.Context, op drills.Op) (json.RawMessage, error) {
	op.Key = fmt.Sprintf("%s try %d", op.Key, r.tries.Add(1))
	return r.Client.Do(ctx, op)
}

type sure struct{ drills.Client }

func (s sure) Do(ctx context.Context, op drills.Op) (json.RawMessage, error) {
	answer, err := s.Client.Do(ctx, op)
	if err != nil {
		err = fmt.Errorf("%w: %w", drills.ErrRejected, err)
	}
	return answer, err
}

type hopeful struct{ drills.Client }

func (h hopeful) Do(ctx context.Context, op drills.Op) (json.RawMessage, error) {
	answer, err := h.Client.Do(ctx, op)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	return answer, err
}

type stale struct{ drills.Client }

func (stale) Read(context.Context, string, string) (drills.JobState, error) {
	return drills.JobOpen, nil
}

// glib has heard of every job: of those that are done, it tells the truth.
type glib struct{ drills.Client }

func (glib) Read(context.Context, string, string) (drills.JobState, error) {
	return drills.JobDone, nil
}

type patient struct{ drills.Client }

func (p patient) Do(ctx context.Context, op drills.Op) (json.RawMessage, error) {
	return p.Client.Do(context.WithoutCancel(ctx), op)
}

// linking is a substrate that gives other links than it was asked for.
type linking struct {
	drills.Substrate
	link func(context.Context, drills.LinkSpec) (drills.Link, error)
}

func (l linking) Link(ctx context.Context, spec drills.LinkSpec) (drills.Link, error) {
	return l.link(ctx, spec)
}

// detour is a link whose address is past it.
type detour struct {
	drills.Link
	addr string
}

func (d detour) Addr() string { return d.addr }

// past has replicas told the address behind a link.
func past(to string) func(drills.Substrate) drills.Substrate {
	return func(s drills.Substrate) drills.Substrate {
		return linking{s, func(ctx context.Context, spec drills.LinkSpec) (drills.Link, error) {
			l, err := s.Link(ctx, spec)
			if err != nil || spec.To != to {
				return l, err
			}
			return detour{l, spec.Upstream}, nil
		}}
	}
}

// chained has each replica's link to the witness lead to that of the one before.
func chained(s drills.Substrate) drills.Substrate {
	var mu sync.Mutex
	first := ""
	return linking{s, func(ctx context.Context, spec drills.LinkSpec) (drills.Link, error) {
		if spec.To != "witness" {
			return s.Link(ctx, spec)
		}
		mu.Lock()
		defer mu.Unlock()
		if first != "" {
			spec.Upstream = first
		}
		l, err := s.Link(ctx, spec)
		if err == nil && first == "" {
			first = l.Addr()
		}
		return l, err
	}}
}

// immortal is a substrate that closes nothing.
func immortal(s drills.Substrate) drills.Substrate { return keeping{s} }

type keeping struct{ drills.Substrate }

func (keeping) Close(context.Context) error { return nil }

type linkless struct{ drills.Substrate }

func (linkless) Link(context.Context, drills.LinkSpec) (drills.Link, error) {
	return nil, errors.New("no links today")
}
