package witness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// endpoint takes effects on a port of its own, by a ledger of its own. The
// witness is one, and so is each of its backends.
type endpoint struct {
	ledger    *ledger
	tokens    *tokens
	condition *condition // of the witness itself, always sound
	limits    timeouts
	addr      string
	server    *http.Server
	served    chan error // what Serve ended with
}

// timeouts keep slow and dead senders from holding connections for ever.
type timeouts struct {
	header, request, answer, idle time.Duration
	grace                         time.Duration // for connections that have not gone idle when the endpoint closes
}

func defaultTimeouts() timeouts {
	return timeouts{
		header: 5 * time.Second, request: 15 * time.Second, answer: 30 * time.Second, idle: 2 * time.Minute,
		grace: time.Second,
	}
}

// listen serves on a free port of the loopback interface until shut.
func listen(ctx context.Context, l *ledger, known *tokens, c *condition, limits timeouts) (*endpoint, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen as %s: %w", l.actor, err)
	}
	e := &endpoint{
		ledger: l, tokens: known, condition: c, limits: limits, addr: listener.Addr().String(), served: make(chan error, 1),
	}
	e.server = &http.Server{
		Handler:           e.handler(),
		ReadHeaderTimeout: limits.header,
		ReadTimeout:       limits.request,
		WriteTimeout:      limits.answer,
		IdleTimeout:       limits.idle,
		MaxHeaderBytes:    16 << 10,
	}
	go func() { e.served <- e.server.Serve(listener) }()
	return e, nil
}

// Addr is where it listens, host:port.
func (e *endpoint) Addr() string { return e.addr }

// shut lets go of the calls that are held, answers what has arrived, and breaks
// off whatever connections are left.
func (e *endpoint) shut(ctx context.Context) error {
	e.condition.close()
	grace, cancel := context.WithTimeout(ctx, e.limits.grace)
	defer cancel()
	err := e.server.Shutdown(grace)
	e.ledger.close()
	if grace.Err() != nil { // some sender kept its connection: it gets no answer
		err = e.server.Close()
	}
	if served := <-e.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// admit lets a call that has arrived whole meet the endpoint's condition. False
// says that it was answered there and must not take effect.
//
// A call that is held is freed of its connection's timeouts, which are meant
// for slow senders. That its sender hangs up is still noticed.
func (e *endpoint) admit(rw http.ResponseWriter, r *http.Request) bool {
	err := e.condition.meet(r.Context(), func() error {
		control := http.NewResponseController(rw)
		return errors.Join(control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{}))
	})
	if err != nil {
		reply(rw, http.StatusServiceUnavailable, answer{Error: err.Error()})
	}
	return err == nil
}
