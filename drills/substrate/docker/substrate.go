package docker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/link"
	"github.com/drillrun/drillrun/drills/substrate/loopback"
	"github.com/drillrun/drillrun/drills/substrate/scope"
)

// closing bounds Close, whatever its context says: a drill that was interrupted
// must not leave containers behind.
const closing = 30 * time.Second

// clients is where links come from whose other end is no container.
const clients = "clients"

// Substrate is where the containers of one drill run. It is safe for concurrent
// use.
type Substrate struct {
	provider  *Provider
	drill     string // random: names of different drills must differ
	logs      string // a folder
	temporary string // the same, if it goes with the substrate
	host      *loopback.Host
	scope     *scope.Scope
	network   *testcontainers.DockerNetwork
	holder    *holder

	mu         sync.Mutex
	containers map[string]*container // by name of the process
	project    *project              // nil unless one has been adopted
}

var (
	_ drills.Substrate = (*Substrate)(nil)
	_ drills.Placed    = (*Substrate)(nil)
	_ drills.Imager    = (*Substrate)(nil)
	_ drills.Adopter   = (*Substrate)(nil)
)

func newSubstrate(ctx context.Context, p *Provider, logs string) (_ *Substrate, err error) {
	s := &Substrate{
		provider: p, drill: strings.ToLower(rand.Text()[:8]), logs: logs,
		scope: scope.New(ctx, closing), containers: map[string]*container{},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close(ctx))
		}
	}()
	if err := s.makeLogs(); err != nil {
		return nil, err
	}
	if s.host, err = loopback.Claim(ctx); err != nil {
		return nil, err
	}
	if s.network, err = network.New(ctx, network.WithLabels(s.labels("network", nil))); err != nil {
		return nil, fmt.Errorf("make a network: %w", err)
	}
	if s.holder, err = s.newHolder(ctx, containerSpec{name: "holder"}); err != nil {
		return nil, err
	}
	s.scope.Keep(s.holder.close)
	return s, s.holder.start(ctx)
}

// makeLogs makes the folder for logs, which goes with the substrate if nobody
// asked for it.
func (s *Substrate) makeLogs() (err error) {
	if s.logs != "" {
		return os.MkdirAll(s.logs, 0o755)
	}
	if s.logs, err = os.MkdirTemp("", "drillrun-docker-logs-"); err == nil {
		s.temporary = s.logs
	}
	return err
}

// labels are those of something, with its own beside them, and their seal.
func (s *Substrate) labels(name string, own map[string]string) map[string]string {
	labels := map[string]string{labelLock: s.Place(), labelDrill: s.drill, labelName: name, labelOrigin: s.provider.origin}
	maps.Copy(labels, own)
	labels[labelSeal] = s.provider.key.seal(labels)
	return labels
}

// Place is the lock file of the harness, whose path is a label of all that it
// made.
func (s *Substrate) Place() string { return s.provider.lock.Name() }

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
	s.keep(st.container)
	if err := st.Start(ctx); err != nil {
		return nil, err
	}
	return st, nil
}

// Launch packs the program into an image, unless it is there already, and starts
// a replica in a container that has nothing else in it: a minimal environment,
// the addresses of its ports, and what the spec adds. It runs as nobody. An image
// that the spec names is run as it is, and what has been adopted runs already.
func (s *Substrate) Launch(ctx context.Context, spec drills.ProcessSpec) (drills.Process, error) {
	ctx, done, err := s.scope.EnterAs(ctx, spec.Name)
	if err != nil {
		return nil, fmt.Errorf("start replica: %w", err)
	}
	defer done()
	if spec.Adopted.Service != "" {
		p, err := s.adopt(ctx, spec)
		if err != nil {
			return nil, fmt.Errorf("adopt %s: %w", spec.Name, err)
		}
		return p, nil
	}
	r, err := s.newReplica(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("start replica %s: %w", spec.Name, err)
	}
	s.keep(r.container)
	if err := r.Start(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// keep has Close remove a container, and links find it by its name.
func (s *Substrate) keep(c *container) {
	s.scope.Keep(c.remove)
	s.know(c)
}

func (s *Substrate) know(c *container) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.containers[c.spec.name] = c
}

func (s *Substrate) container(name string) (*container, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.containers[name]
	return c, ok
}

// Link places a proxy: in a holder's namespace, where replicas reach it, or on
// the loopback device for links that begin outside. A direct link is none.
func (s *Substrate) Link(ctx context.Context, spec drills.LinkSpec) (drills.Link, error) {
	ctx, done, err := s.scope.Enter(ctx)
	if err != nil {
		return nil, fmt.Errorf("link %s->%s: %w", spec.From, spec.To, err)
	}
	defer done()
	l, err := s.newLink(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("link %s->%s: %w", spec.From, spec.To, err)
	}
	s.scope.Keep(l.Close)
	return l, nil
}

type closingLink interface {
	drills.Link
	Close(ctx context.Context) error
}

func (s *Substrate) newLink(ctx context.Context, spec drills.LinkSpec) (closingLink, error) {
	if spec.Direct {
		return s.newWire(spec)
	}
	if p := s.adopting(); p != nil && spec.From != clients {
		return p.newLink(ctx, spec)
	}
	config := link.Config{From: spec.From, To: spec.To, Upstream: spec.Upstream, DialWith: s.dialer(spec.Upstream)}
	var err error
	if spec.From == clients {
		config.Listen, err = s.host.Port(ctx)
	} else {
		config.Listen = net.JoinHostPort(s.holder.ips[s.network.Name], "0")
		config.ListenWith = s.holder.namespace.listen
	}
	if err != nil {
		return nil, err
	}
	return link.Open(ctx, config)
}

// dialer is how a link reaches its upstream. One of our own containers is dialled
// on its network, as its peers do: the engine's proxy behind a published port
// would make a FIN of every RST. Anything else is on the harness's own network.
func (s *Substrate) dialer(upstream string) func(context.Context, string) (net.Conn, error) {
	if c, port := s.at(upstream); c != nil {
		return func(ctx context.Context, _ string) (net.Conn, error) { return c.dial(ctx, port) }
	}
	return nil
}

// at is the container of ours that has that address, and the port that it stands
// for; nil where it is nobody's.
func (s *Substrate) at(addr string) (*container, uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.containers {
		for port, its := range c.spec.ports {
			if its == addr {
				return c, port
			}
		}
	}
	return nil, 0
}

// Close ends every container and link, and removes them with their data and the
// network. It takes as long as it needs, at most half a minute, even if ctx is
// done. It is safe to call twice.
func (s *Substrate) Close(ctx context.Context) error {
	if err := s.scope.Close(ctx, s.removeNetwork, s.leave); err != nil {
		return fmt.Errorf("close docker substrate: %w", err)
	}
	return nil
}

func (s *Substrate) removeNetwork(ctx context.Context) error {
	if s.network == nil {
		return nil
	}
	return s.network.Remove(ctx)
}

func (s *Substrate) leave(context.Context) error {
	s.provider.substrates.Remove(s)
	var err error
	if s.temporary != "" {
		err = os.RemoveAll(s.temporary)
	}
	if s.host != nil {
		err = errors.Join(err, s.host.Release())
	}
	return err
}

func (s *Substrate) log(name string) string { return filepath.Join(s.logs, name+".log") }

// containerName is what people see in `docker ps`.
func containerName(drill, process string) string {
	return strings.Join([]string{"drillrun", drill, process}, "-")
}
