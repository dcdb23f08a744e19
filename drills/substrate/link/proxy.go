package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
)

const (
	// patience is how long an address that is taken is tried for.
	patience = 500 * time.Millisecond
	// again is the time between tries to listen or to accept.
	again = 2 * time.Millisecond
)

// proxy takes connections and has toxiproxy carry their streams, through one
// lane in each direction.
type proxy struct {
	upstream          string
	server            *toxiproxy.ApiServer
	toxics            *toxiproxy.ToxicCollection
	requests, replies *lane
	trouble           *trouble

	// These are the link's, which starts and stops the proxy under its own lock.
	addr     string
	listen   func(ctx context.Context, addr string) (net.Listener, error)
	dial     func(ctx context.Context, addr string) (net.Conn, error)
	listener *net.TCPListener // nil while it refuses
	tasks    sync.WaitGroup   // what accepts and dials
	dismiss  func()           // ends the tasks

	mu        sync.Mutex
	resetting bool   // every new connection
	count     uint64 // of connections so far
	open      map[*connection]struct{}
}

func newProxy(name string, c Config, trouble *trouble) (*proxy, error) {
	// The registry is toxiproxy's; registering the same toxic again is harmless.
	toxics.Register(laneToxic, new(lane))
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := &proxy{
		upstream: c.Upstream, server: server, trouble: trouble, toxics: toxiproxy.NewProxy(server, name, c.Listen, c.Upstream).Toxics,
		addr: c.Listen, listen: c.ListenWith, dial: c.DialWith, open: map[*connection]struct{}{},
	}
	if p.listen == nil {
		var config net.ListenConfig
		p.listen = func(ctx context.Context, addr string) (net.Listener, error) { return config.Listen(ctx, "tcp", addr) }
	}
	if p.dial == nil {
		var dialer net.Dialer
		p.dial = func(ctx context.Context, addr string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", addr) }
	}
	var err error
	if p.requests, err = p.install(stream.Upstream); err != nil {
		return nil, err
	}
	if p.replies, err = p.install(stream.Downstream); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *proxy) install(direction stream.Direction) (*lane, error) {
	spec := fmt.Sprintf(`{"name":%q,"type":%q,"stream":%q}`, direction, laneToxic, direction)
	toxic, err := p.toxics.AddToxicJson(strings.NewReader(spec))
	if err != nil {
		return nil, fmt.Errorf("install the %s lane: %w", direction, err)
	}
	l, ok := toxic.Toxic.(*lane)
	if !ok {
		return nil, fmt.Errorf("install the %s lane: toxiproxy made a %T", direction, toxic.Toxic)
	}
	return l, nil
}

// start takes connections, from then on and without resetting them.
func (p *proxy) start(ctx context.Context) error {
	p.reset(false)
	if p.listener != nil {
		return nil
	}
	listener, err := p.tryListen(ctx)
	if err != nil {
		return err
	}
	p.addr, p.listener = listener.Addr().String(), listener
	ctx, p.dismiss = context.WithCancel(context.WithoutCancel(ctx))
	p.tasks.Go(func() { p.accept(ctx, listener) })
	return nil
}

// tryListen tries for a while where the address is taken: a child of this process
// that is between fork and exec holds a copy of every listener just closed.
func (p *proxy) tryListen(ctx context.Context) (*net.TCPListener, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		listener, err := p.listen(ctx, p.addr)
		if err == nil {
			return listener.(*net.TCPListener), nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) || !rest(ctx) {
			return nil, err
		}
	}
}

// rest waits before the next try, and tells whether there is to be one.
func rest(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(again):
		return true
	}
}

func (p *proxy) accept(ctx context.Context, listener *net.TCPListener) {
	for {
		client, err := listener.AcceptTCP()
		if err == nil {
			p.tasks.Go(func() { p.connect(ctx, client) })
			continue
		}
		p.trouble.meet("accept a connection", err)
		if !rest(ctx) { // what keeps it from accepting may pass, such as too many open files
			return
		}
	}
}

// connect dials the upstream for a client. Nobody waits for it: an upstream
// that does not take connections keeps only those who want one.
func (p *proxy) connect(ctx context.Context, client *net.TCPConn) {
	if p.resets() {
		closeWithReset(client)
		hangUp(client)
		return
	}
	upstream, err := p.dial(ctx, p.upstream)
	if err != nil {
		p.trouble.meet("dial "+p.upstream, err)
		hangUp(client)
		return
	}
	p.carry(ctx, client, upstream.(*net.TCPConn))
}

func (p *proxy) resets() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.resetting
}

// carry starts the two streams of a connection, unless the link has ended or
// become bad while it was dialled.
func (p *proxy) carry(ctx context.Context, client, upstream *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	c := newConnection(p.count, client, upstream, func() {})
	c.forget = func() { p.forget(c) }
	switch {
	case p.resetting:
		c.reset()
		return
	case ctx.Err() != nil:
		c.end()
		return
	}
	p.open[c] = struct{}{}
	p.requests.begins, p.replies.begins = c.halves()
	name := strconv.FormatUint(c.number, 10)
	p.toxics.StartLink(p.server, "requests "+name, client, side{upstream, c}, stream.Upstream)
	p.toxics.StartLink(p.server, "replies "+name, upstream, side{client, c}, stream.Downstream)
}

func (p *proxy) forget(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

// opened is the number of the youngest connection.
func (p *proxy) opened() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// reset says whether connections are aborted: those that are open, and from
// then on each new one.
func (p *proxy) reset(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resetting = on; on {
		p.cut((*connection).reset)
	}
}

// stop refuses new connections and closes those that are open.
func (p *proxy) stop() error {
	if p.listener == nil {
		return nil
	}
	p.dismiss()
	err := p.listener.Close()
	p.listener = nil
	p.mu.Lock()
	p.cut((*connection).end)
	p.mu.Unlock()
	p.tasks.Wait()
	return err
}

// cut needs the lock.
func (p *proxy) cut(how func(*connection)) {
	for c := range p.open {
		how(c)
	}
	clear(p.open)
}

func (p *proxy) change(f func(*condition)) {
	p.requests.change(f)
	p.replies.change(f)
}
