package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	containerapi "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/drillrun/drillrun/drills"
)

// containerSpec describes a container.
type containerSpec struct {
	name       string // of the process
	role       drills.Role
	title      string  // in the engine; by default of the drill and the process
	homes      []home  // by default the network of the drill, where its name is that of the process
	peer       *holder // from whose place it is dialled; by default the drill's
	image      string
	entrypoint []string // the image's own by default
	command    []string
	env        []string // NAME=value
	files      []testcontainers.ContainerFile
	ports      map[uint16]string           // of the container, to the host:port on which each is published
	data       string                      // the folder that is a volume; empty for none
	stop       syscall.Signal              // asks it to end in good order
	ask        func(context.Context) error // does so in place of stop; nil for that
	grace      time.Duration               // how long that may take
	labels     map[string]string           // beside those of everything that is made here
	moved      func(context.Context) error // called when it may have another namespace or address; may be nil
	// Of one that was there before.
	since time.Time // what it printed earlier is not ours
	tty   bool      // it prints to a terminal
}

// container is a process in a container of its own, which runs, or ran and can
// be started again. It is safe for concurrent use.
type container struct {
	substrate *Substrate
	spec      containerSpec

	changing sync.Mutex // held by calls that start, stop or change it
	id       string     // empty until it is made
	removed  bool       // for good

	mu         sync.Mutex
	configured []string
	stale      bool // it was made before it was configured
	limits     drills.Limits
	run        *run // nil while it does not run
	killed     bool // by us: its present life
	paused     bool
	onExit     []func(drills.Exit)
	watchers   sync.WaitGroup
}

// run is one life of a container.
type run struct {
	id    string            // of its container
	pid   int               // on this machine
	ips   map[string]string // by network
	ended chan struct{}
	exit  drills.Exit // valid once it has ended
	letGo func()      // has it watched no more
}

var (
	_ drills.Process    = (*container)(nil)
	_ drills.Pauser     = (*container)(nil)
	_ drills.Terminator = (*container)(nil)
	_ drills.Asked      = (*container)(nil)
	_ drills.Exiter     = (*container)(nil)
	_ drills.Limiter    = (*container)(nil)
	_ drills.Detacher   = (*container)(nil)
)

func (s *Substrate) newContainer(spec containerSpec) *container {
	if spec.homes == nil {
		spec.homes = []home{{Network: s.network.Name, Aliases: []string{spec.name}}}
	}
	return &container{substrate: s, spec: spec}
}

func (c *container) engine() *client.Client { return c.substrate.provider.engine }

// Info names the process; its pid is that on this machine.
func (c *container) Info() drills.ProcessInfo {
	info := drills.ProcessInfo{Name: c.spec.name, Role: c.spec.role}
	if r := c.running(); r != nil {
		info.PID = r.pid
	}
	return info
}

func (c *container) running() *run {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.run
}

// Start starts it, and makes the container first if there is none yet, or if
// the one there is was made before a change.
func (c *container) Start(ctx context.Context) error {
	_, err := c.start(ctx)
	return err
}

func (c *container) start(ctx context.Context) (*run, error) {
	c.changing.Lock()
	defer c.changing.Unlock()
	switch {
	case c.removed:
		return nil, fmt.Errorf("start %s: %w", c.spec.name, drills.ErrClosed)
	case c.running() != nil:
		return nil, fmt.Errorf("start %s: %w", c.spec.name, drills.ErrRunning)
	}
	r, err := c.begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.spec.name, err)
	}
	return r, nil
}

func (c *container) begin(ctx context.Context) (*run, error) {
	if err := c.make(ctx); err != nil {
		return nil, err
	}
	if _, err := c.engine().ContainerStart(ctx, c.id, client.ContainerStartOptions{}); err != nil {
		return nil, err
	}
	return c.takeUp(ctx)
}

// takeUp takes note of a life that has begun.
func (c *container) takeUp(ctx context.Context) (*run, error) {
	found, err := c.inspect(ctx)
	if err != nil {
		return nil, err
	}
	watching, letGo := context.WithCancel(context.WithoutCancel(ctx))
	r := &run{id: c.id, pid: found.State.Pid, ips: c.ipsOf(found), ended: make(chan struct{}), letGo: letGo}
	c.mu.Lock()
	c.run, c.paused, c.killed = r, false, false
	c.watchers.Go(func() { c.watch(watching, r) })
	c.mu.Unlock()
	return r, c.hasMoved(ctx)
}

func (c *container) hasMoved(ctx context.Context) error {
	if c.spec.moved == nil {
		return nil
	}
	return c.spec.moved(ctx)
}

// watch waits for the end.
func (c *container) watch(ctx context.Context, r *run) {
	defer r.letGo()
	wait := c.engine().ContainerWait(ctx, r.id, client.ContainerWaitOptions{Condition: containerapi.WaitConditionNotRunning})
	exit := drills.Exit{Code: -1}
	select {
	case end := <-wait.Result:
		exit = exitOf(int(end.StatusCode))
	case err := <-wait.Error:
		if ctx.Err() != nil {
			return
		}
		exit.Signal = fmt.Sprintf("unknown: %v", err)
	}
	exit.At = time.Now()
	exit.OutOfMemory = c.starved(ctx, r.id, exit)
	c.mu.Lock()
	r.exit = exit
	c.run, c.paused = nil, false
	tell := slices.Clone(c.onExit)
	c.mu.Unlock()
	close(r.ended)
	for _, f := range tell {
		f(exit)
	}
}

// exitOf reads a status as shells do: above 128 it names a signal.
func exitOf(status int) drills.Exit {
	if status > 128 {
		return drills.Exit{Code: -1, Signal: syscall.Signal(status - 128).String()}
	}
	return drills.Exit{Code: status}
}

func (c *container) inspect(ctx context.Context) (containerapi.InspectResponse, error) {
	found, err := c.engine().ContainerInspect(ctx, c.id, client.ContainerInspectOptions{})
	if err != nil {
		return containerapi.InspectResponse{}, fmt.Errorf("look at the container of %s: %w", c.spec.name, err)
	}
	return found.Container, nil
}

// dial connects to a port of it, from a holder's place on the network. What
// does not run refuses.
func (c *container) dial(ctx context.Context, port uint16) (net.Conn, error) {
	ip, err := c.ip()
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", c.spec.name, err)
	}
	return cmp.Or(c.spec.peer, c.substrate.holder).namespace.dial(ctx, net.JoinHostPort(ip, strconv.Itoa(int(port))))
}

// Configure has the next starts see these variables.
func (c *container) configure(variables []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.configured, variables) {
		c.configured, c.stale = slices.Clone(variables), true
	}
}

// OnExit has f called at each end, beside those that are called already.
func (c *container) OnExit(f func(drills.Exit)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onExit = append(c.onExit, f)
}

// remove ends it, collects what it said and removes it with its data.
func (c *container) remove(ctx context.Context) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	c.removed = true
	err := c.discard(ctx)
	c.watchers.Wait()
	return err
}

// release collects what it said and has nothing more to do with it.
func (c *container) release(ctx context.Context) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	c.removed = true
	err := c.collect(ctx)
	c.mu.Lock()
	if c.run != nil {
		c.run.letGo()
		c.run = nil
	}
	c.mu.Unlock()
	c.watchers.Wait()
	return err
}

// discard removes the container, running or not.
func (c *container) discard(ctx context.Context) error {
	if c.id == "" {
		return nil
	}
	var errs []error
	if r := c.running(); r != nil {
		errs = append(errs, c.end(ctx, r))
	}
	errs = append(errs, c.collect(ctx))
	_, err := c.engine().ContainerRemove(ctx, c.id, client.ContainerRemoveOptions{RemoveVolumes: true, Force: true})
	if errdefs.IsNotFound(err) {
		err = nil // somebody else has removed it
	}
	if err == nil {
		c.id = ""
	}
	return errors.Join(append(errs, err)...)
}
