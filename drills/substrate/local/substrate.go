package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/link"
	"github.com/drillrun/drillrun/drills/substrate/loopback"
	"github.com/drillrun/drillrun/drills/substrate/scope"
)

// closing bounds Close, whatever its context says: a drill that was
// interrupted must not leave processes behind.
const closing = 10 * time.Second

// Substrate is where the processes of one drill run. It is safe for concurrent
// use.
type Substrate struct {
	provider *Provider
	host     *loopback.Host
	scope    *scope.Scope
	dir      string // data of the stores
	logs     string
}

var (
	_ drills.Substrate = (*Substrate)(nil)
	_ drills.Placed    = (*Substrate)(nil)
)

func newSubstrate(ctx context.Context, p *Provider, dir, logs string) (*Substrate, error) {
	// Stores pass through to their own folders, whatever the umask says.
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		err = os.Chmod(dir, 0o711)
	}
	if err = errors.Join(err, os.MkdirAll(logs, 0o755)); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	h, err := loopback.Claim(ctx)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &Substrate{provider: p, host: h, scope: scope.New(ctx, closing), dir: dir, logs: logs}, nil
}

// Place is the scratch folder of the harness, which it shares with the other
// substrates of its provider.
func (s *Substrate) Place() string { return s.provider.scratch.dir }

// Store starts a Postgres or a Redis with data of its own and returns once it
// takes connections.
func (s *Substrate) Store(ctx context.Context, name string, role drills.Role) (drills.Store, error) {
	ctx, done, err := s.scope.EnterAs(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("start store: %w", err)
	}
	defer done()
	var st *store
	switch role {
	case drills.RolePostgres:
		st, err = s.newPostgres(ctx, name)
	case drills.RoleRedis:
		st, err = s.newRedis(ctx, name)
	default:
		err = fmt.Errorf("role %q: %w", role, drills.ErrUnsupported)
	}
	if err != nil {
		return nil, fmt.Errorf("start store %s: %w", name, err)
	}
	s.scope.Keep(st.close)
	if err := st.Start(ctx); err != nil {
		return nil, err
	}
	return st, nil
}

// Launch starts a replica with a minimal environment: PATH as the harness has
// it, HOME and TMPDIR in a folder of its own, TZ=UTC, the addresses of its
// ports, and what the spec adds. It runs in the harness's working folder.
func (s *Substrate) Launch(ctx context.Context, spec drills.ProcessSpec) (drills.Process, error) {
	ctx, done, err := s.scope.EnterAs(ctx, spec.Name)
	if err != nil {
		return nil, fmt.Errorf("start replica: %w", err)
	}
	defer done()
	r, err := s.newReplica(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("start replica %s: %w", spec.Name, err)
	}
	s.scope.Keep(r.Close)
	if err := r.Start(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// Link places a proxy on an address of the substrate's. There are no direct
// links: all processes share the machine's one network.
func (s *Substrate) Link(ctx context.Context, spec drills.LinkSpec) (drills.Link, error) {
	if spec.Direct {
		return nil, fmt.Errorf("direct link %s->%s: %w", spec.From, spec.To, drills.ErrUnsupported)
	}
	ctx, done, err := s.scope.Enter(ctx)
	if err != nil {
		return nil, fmt.Errorf("link %s->%s: %w", spec.From, spec.To, err)
	}
	defer done()
	addr, err := s.host.Port(ctx)
	if err != nil {
		return nil, fmt.Errorf("link %s->%s: %w", spec.From, spec.To, err)
	}
	l, err := link.Open(ctx, link.Config{From: spec.From, To: spec.To, Listen: addr, Upstream: spec.Upstream})
	if err != nil {
		return nil, err
	}
	s.scope.Keep(l.Close)
	return l, nil
}

// Close ends every process and link and removes their data. It takes as long
// as it needs, at most some ten seconds, even if ctx is done. It is safe to
// call twice.
func (s *Substrate) Close(ctx context.Context) error {
	err := s.scope.Close(ctx,
		func(context.Context) error { return os.RemoveAll(s.dir) },
		func(context.Context) error { return s.host.Release() },
		func(context.Context) error { s.provider.substrates.Remove(s); return nil },
	)
	if err != nil {
		return fmt.Errorf("close local substrate: %w", err)
	}
	return nil
}

func (s *Substrate) log(name string) string { return filepath.Join(s.logs, name+".log") }
