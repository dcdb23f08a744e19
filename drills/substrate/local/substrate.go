package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/link"
)

// closing bounds Close, whatever its context says: a drill that was
// interrupted must not leave processes behind.
const closing = 10 * time.Second

// Substrate is where the processes of one drill run. It is safe for concurrent
// use.
type Substrate struct {
	provider *Provider
	host     *host
	dir      string // data of the stores
	logs     string

	life context.Context // ends when Close begins
	end  context.CancelFunc

	mu      sync.Mutex
	names   map[string]bool // of processes
	closers []func(context.Context) error
	closed  bool
	pending sync.WaitGroup // calls that may still add to closers

	once sync.Once
	err  error // what Close said
}

var (
	_ drills.Substrate = (*Substrate)(nil)
	_ drills.Placed    = (*Substrate)(nil)
)

func newSubstrate(ctx context.Context, p *Provider, dir, logs string) (*Substrate, error) {
	// Stores pass through to their own folders.
	if err := errors.Join(os.Mkdir(dir, 0o711), os.MkdirAll(logs, 0o755)); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	h, err := claimHost(ctx)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s := &Substrate{provider: p, host: h, dir: dir, logs: logs, names: map[string]bool{}}
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
	return s, nil
}

// Place is the scratch folder of the harness, which it shares with the other
// substrates of its provider.
func (s *Substrate) Place() string { return s.provider.scratch.dir }

// Store starts a Postgres or a Redis with data of its own and returns once it
// takes connections.
func (s *Substrate) Store(ctx context.Context, name string, role drills.Role) (drills.Store, error) {
	ctx, done, err := s.enter(ctx, name)
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
	s.keep(st.close)
	if err := st.Start(ctx); err != nil {
		return nil, err
	}
	return st, nil
}

// Launch starts a replica with a minimal environment: PATH as the harness has
// it, HOME and TMPDIR in a folder of its own, TZ=UTC, the addresses of its
// ports, and what the spec adds. It runs in the harness's working folder.
func (s *Substrate) Launch(ctx context.Context, spec drills.ProcessSpec) (drills.Process, error) {
	ctx, done, err := s.enter(ctx, spec.Name)
	if err != nil {
		return nil, fmt.Errorf("start replica: %w", err)
	}
	defer done()
	r, err := s.newReplica(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("start replica %s: %w", spec.Name, err)
	}
	s.keep(r.Close)
	if err := r.Start(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// Link places a proxy on an address of the substrate's.
func (s *Substrate) Link(ctx context.Context, spec drills.LinkSpec) (drills.Link, error) {
	ctx, done, err := s.enter(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("link %s->%s: %w", spec.From, spec.To, err)
	}
	defer done()
	addr, err := s.host.port(ctx)
	if err != nil {
		return nil, fmt.Errorf("link %s->%s: %w", spec.From, spec.To, err)
	}
	l, err := link.Open(ctx, link.Config{From: spec.From, To: spec.To, Listen: addr, Upstream: spec.Upstream})
	if err != nil {
		return nil, err
	}
	s.keep(l.Close)
	return l, nil
}

// fitName keeps names usable as file names.
var fitName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// enter begins a call that adds something to the substrate: a process, if it
// has a name. Close interrupts the call and waits for done.
func (s *Substrate) enter(ctx context.Context, name string) (_ context.Context, done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, nil, ErrClosed
	case name == "":
	case !fitName.MatchString(name):
		return nil, nil, fmt.Errorf("name %q: use letters, digits, dots and dashes", name)
	case s.names[name]:
		return nil, nil, fmt.Errorf("name %q is taken", name)
	default:
		s.names[name] = true
	}
	s.pending.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(s.life, func() { cancel(ErrClosed) })
	return ctx, func() { unhook(); cancel(nil); s.pending.Done() }, nil
}

// keep has Close end what has been started.
func (s *Substrate) keep(end func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closers = append(s.closers, end)
}

// Close ends every process and link and removes their data. It takes as long
// as it needs, at most some ten seconds, even if ctx is done. It is safe to
// call twice.
func (s *Substrate) Close(ctx context.Context) error {
	s.once.Do(func() { s.err = s.close(context.WithoutCancel(ctx)) })
	return s.err
}

func (s *Substrate) close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.pending.Wait()

	ctx, cancel := context.WithTimeout(ctx, closing)
	defer cancel()
	errs := make([]error, len(s.closers), len(s.closers)+2)
	var all sync.WaitGroup
	for i, end := range s.closers {
		all.Go(func() { errs[i] = end(ctx) })
	}
	all.Wait()
	errs = append(errs, os.RemoveAll(s.dir), s.host.release())
	s.provider.forget(s)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close local substrate: %w", err)
	}
	return nil
}

func (s *Substrate) log(name string) string { return filepath.Join(s.logs, name+".log") }
