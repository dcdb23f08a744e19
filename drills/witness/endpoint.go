package witness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// endpoint takes effects on a port of its own, by a ledger of its own. The
// witness is one, and so is each of its backends.
type endpoint struct {
	ledger   *ledger
	tokens   *tokens
	limits   timeouts
	refusals history.Tally
	listener net.Listener
	server   *http.Server
	served   chan error // what Serve ended with
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

// listen takes a free port of the loopback interface, for serve.
func listen(ctx context.Context, l *ledger, known *tokens, limits timeouts) (*endpoint, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen as %s: %w", l.actor, err)
	}
	return &endpoint{ledger: l, tokens: known, limits: limits, listener: &troubledListener{Listener: listener, ledger: l}, served: make(chan error, 1)}, nil
}

// serve answers what arrives, until shut.
func (e *endpoint) serve(routes http.Handler) {
	e.server = &http.Server{
		Handler:           e.recordCrashes(e.recordRefusals(routes)),
		ReadHeaderTimeout: e.limits.header,
		ReadTimeout:       e.limits.request,
		WriteTimeout:      e.limits.answer,
		IdleTimeout:       e.limits.idle,
		MaxHeaderBytes:    16 << 10,
	}
	go func() { e.served <- e.server.Serve(e.listener) }()
}

// Addr is where it listens, host:port.
func (e *endpoint) Addr() string { return e.listener.Addr().String() }

// shut answers what has arrived, and breaks off whatever connections are left.
func (e *endpoint) shut(ctx context.Context) error {
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
