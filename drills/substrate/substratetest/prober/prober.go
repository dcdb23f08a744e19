// Package prober is the replica of the conformance suite of substrates: a
// program that does as it is told, so that the suite sees links, stores and
// limits from where a replica sees them.
//
// The test binary is its own prober, as one binary of the harness is its own
// replica: [Run], called first in TestMain, turns the process into one if it has
// been started as one. It needs nothing but itself: no shell, no files, no
// certain user. Within a substrate it takes orders on its control port, one HTTP
// request each; the suite holds the other ends of its links by a [Prober] of its
// own process.
//
// # Invariants
//
//   - An order says how long it may take, and is answered then: a link that is
//     silent does not silence the prober.
//   - Connections are numbered, and kept until they are hung up, so that one can
//     be looked at before and after something happened to its link.
//   - Close ends every connection and goroutine of a Prober.
package prober

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Prober carries out orders in this process. It is safe for concurrent use.
type Prober struct {
	listener net.Listener
	life     context.Context // ends with Close
	end      context.CancelFunc
	tasks    sync.WaitGroup
	arrivals chan net.Conn

	mu    sync.Mutex
	count int
	conns map[int]net.Conn
	eaten [][]byte
}

var _ Peer = (*Prober)(nil)

// backlog is how many connections may wait to be accepted by an order.
const backlog = 1000

// New starts a prober whose data port listens at addr.
func New(ctx context.Context, addr string) (*Prober, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("start a prober: %w", err)
	}
	p := &Prober{listener: listener, arrivals: make(chan net.Conn, backlog), conns: map[int]net.Conn{}}
	p.life, p.end = context.WithCancel(context.WithoutCancel(ctx))
	p.tasks.Go(p.listen)
	return p, nil
}

// Addr is where its data port listens.
func (p *Prober) Addr() string { return p.listener.Addr().String() }

// Close ends every connection and everything that the prober does.
func (p *Prober) Close() error {
	p.end()
	err := p.listener.Close()
	p.tasks.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.arrivals) > 0 {
		p.count++
		p.conns[p.count] = <-p.arrivals
	}
	for number, conn := range p.conns {
		err = errors.Join(err, conn.Close())
		delete(p.conns, number)
	}
	return err
}

func (p *Prober) listen() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // it was closed
		}
		select {
		case p.arrivals <- conn:
		case <-p.life.Done():
			closeLost(conn)
			return
		}
	}
}

// closeLost closes a connection that nobody will look at.
func closeLost(conn net.Conn) {
	if err := conn.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "prober:", err)
	}
}

// Do carries out one order.
func (p *Prober) Do(ctx context.Context, o Order) (Report, error) {
	act, known := map[Verb]func(context.Context, Order) (Report, error){
		Dial: p.dial, Accept: p.accept, Send: p.send, Receive: p.receive, HangUp: p.hangUp, Knock: p.knock,
		Ask: ask, About: about, Print: say, Burn: p.burn, Eat: p.eat, Deafen: deafen, Exit: exit,
	}[o.Verb]
	if !known {
		return Report{}, fmt.Errorf("prober: unknown verb %q", o.Verb)
	}
	begin := time.Now()
	r, err := act(ctx, o)
	if err != nil {
		return Report{}, fmt.Errorf("prober: %s: %w", o.Verb, err)
	}
	r.Took = time.Since(begin)
	return r, nil
}

func (p *Prober) dial(ctx context.Context, o Order) (Report, error) {
	dialer := net.Dialer{Timeout: o.Within}
	conn, err := dialer.DialContext(ctx, "tcp", o.Addr)
	if err != nil {
		end, detail := endOf(err)
		return Report{End: end, Detail: detail}, nil
	}
	return Report{Conn: p.keep(conn)}, nil
}

func (p *Prober) accept(ctx context.Context, o Order) (Report, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Within)
	defer cancel()
	select {
	case conn := <-p.arrivals:
		return Report{Conn: p.keep(conn)}, nil
	case <-ctx.Done():
		return Report{End: Silent, Detail: "nobody came"}, nil
	}
}

func (p *Prober) send(_ context.Context, o Order) (Report, error) {
	conn, err := p.conn(o.Conn)
	if err != nil {
		return Report{}, err
	}
	if err := conn.SetWriteDeadline(deadline(o.Within)); err != nil {
		return Report{}, err
	}
	_, err = conn.Write(o.Data)
	end, detail := endOf(err)
	return Report{Conn: o.Conn, End: end, Detail: detail}, nil
}

func (p *Prober) receive(_ context.Context, o Order) (Report, error) {
	conn, err := p.conn(o.Conn)
	if err != nil {
		return Report{}, err
	}
	if err := conn.SetReadDeadline(deadline(o.Within)); err != nil {
		return Report{}, err
	}
	data := make([]byte, o.Size)
	n, err := io.ReadFull(conn, data)
	end, detail := endOf(err)
	return Report{Conn: o.Conn, Data: data[:n], End: end, Detail: detail}, nil
}

// deadline is never, for an order that names none.
func deadline(within time.Duration) time.Time {
	if within == 0 {
		return time.Time{}
	}
	return time.Now().Add(within)
}

func (p *Prober) hangUp(_ context.Context, o Order) (Report, error) {
	conn, err := p.conn(o.Conn)
	if err != nil {
		return Report{}, err
	}
	p.mu.Lock()
	delete(p.conns, o.Conn)
	p.mu.Unlock()
	return Report{Conn: o.Conn}, conn.Close()
}

// knock goes on until the prober is closed.
func (p *Prober) knock(_ context.Context, o Order) (Report, error) {
	if o.Within <= 0 {
		return Report{}, errors.New("it needs to know how often")
	}
	p.tasks.Go(func() {
		again := time.NewTicker(o.Within)
		defer again.Stop()
		for {
			select {
			case <-again.C:
			case <-p.life.Done():
				return
			}
			dialer := net.Dialer{Timeout: time.Second}
			conn, err := dialer.DialContext(p.life, "tcp", o.Addr)
			if err != nil {
				continue // nobody opens
			}
			if _, err := conn.Write([]byte{'!'}); err != nil {
				fmt.Fprintln(os.Stderr, "prober: knock:", err)
			}
			closeLost(conn)
		}
	})
	return Report{}, nil
}

func (p *Prober) keep(conn net.Conn) (number int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	p.conns[p.count] = conn
	return p.count
}

func (p *Prober) conn(number int) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	conn, ok := p.conns[number]
	if !ok {
		return nil, fmt.Errorf("there is no connection %d", number)
	}
	return conn, nil
}
