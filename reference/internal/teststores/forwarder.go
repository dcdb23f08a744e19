package teststores

import (
	"errors"
	"net"
	"sync"
)

// Forwarder passes TCP connections on, and can become a black hole.
type Forwarder struct {
	listener net.Listener
	upstream string
	mu       sync.Mutex
	gate     *sync.Cond
	hole     bool
	closed   bool
	conns    []net.Conn
	errs     []error
	working  sync.WaitGroup
}

// NewForwarder starts a forwarder to host:port for this test.
func NewForwarder(t TB, upstream string) *Forwarder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("start forwarder: %v", err)
	}
	f := &Forwarder{listener: l, upstream: upstream}
	f.gate = sync.NewCond(&f.mu)
	f.working.Go(f.accept)
	t.Cleanup(func() {
		if err := f.close(); err != nil {
			t.Fatalf("close forwarder: %v", err)
		}
	})
	return f
}

// Addr is the host:port to dial.
func (f *Forwarder) Addr() string { return f.listener.Addr().String() }

// BlackHole lets nothing pass any more, in either direction, and closes
// nothing; or lets everything pass again.
func (f *Forwarder) BlackHole(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hole = on
	f.gate.Broadcast()
}

func (f *Forwarder) accept() {
	for {
		down, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.working.Go(func() { f.forward(down) })
	}
}

func (f *Forwarder) forward(down net.Conn) {
	up, err := net.Dial("tcp", f.upstream)
	if err != nil {
		f.shut(down)
		return
	}
	f.keep(down, up)
	var both sync.WaitGroup
	both.Go(func() { f.copy(up, down) })
	both.Go(func() { f.copy(down, up) })
	both.Wait()
}

// keep remembers connections for the end, or ends them where that has come.
func (f *Forwarder) keep(conns ...net.Conn) {
	f.mu.Lock()
	f.conns = append(f.conns, conns...)
	closed := f.closed
	f.mu.Unlock()
	for _, c := range conns {
		if closed {
			f.shut(c)
		}
	}
}

// copy passes chunks on while the gate is open. When its source ends, so do
// both ends.
func (f *Forwarder) copy(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && f.pass() {
			if _, werr := to.Write(buf[:n]); werr != nil {
				err = werr
			}
		}
		if err != nil {
			f.pass() // the end of a connection does not get through a black hole either
			f.shut(to)
			return
		}
	}
}

// pass waits until the gate is open; false once the forwarder is closed.
func (f *Forwarder) pass() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.hole && !f.closed {
		f.gate.Wait()
	}
	return !f.closed
}

// shut closes a connection and keeps what went wrong for the end.
func (f *Forwarder) shut(c net.Conn) {
	if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.errs = append(f.errs, err)
	}
}

func (f *Forwarder) close() error {
	err := f.listener.Close()
	f.mu.Lock()
	f.closed = true
	f.gate.Broadcast()
	conns := f.conns
	f.mu.Unlock()
	for _, c := range conns {
		f.shut(c)
	}
	f.working.Wait()
	return errors.Join(append(f.errs, err)...)
}
