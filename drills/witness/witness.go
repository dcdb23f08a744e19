package witness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// Config is what a witness needs.
type Config struct {
	Log *history.Log // where every decision is recorded; the witness never closes it
}

// Witness is a running witness.
type Witness struct {
	ledger *ledger
	tokens *tokens
	addr   string
	server *http.Server
	served chan error // what Serve ended with
	grace  time.Duration

	closing  sync.Once
	closeErr error
}

// timeouts keep slow and dead senders from holding connections for ever.
type timeouts struct {
	header, request, answer, idle time.Duration
	grace                         time.Duration // for connections that have not gone idle when the witness closes
}

func defaultTimeouts() timeouts {
	return timeouts{
		header: 5 * time.Second, request: 15 * time.Second, answer: 30 * time.Second, idle: 2 * time.Minute,
		grace: time.Second,
	}
}

// Start serves a witness on a free port of the loopback interface until Close.
// ctx bounds the start only.
func Start(ctx context.Context, cfg Config) (*Witness, error) {
	return start(ctx, cfg, defaultTimeouts())
}

func start(ctx context.Context, cfg Config, limits timeouts) (*Witness, error) {
	if cfg.Log == nil {
		return nil, errors.New("start witness: it has no log")
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start witness: %w", err)
	}
	w := &Witness{
		ledger: newLedger(cfg.Log), tokens: newTokens(), addr: listener.Addr().String(), served: make(chan error, 1), grace: limits.grace,
	}
	w.server = &http.Server{
		Handler:           w.handler(),
		ReadHeaderTimeout: limits.header,
		ReadTimeout:       limits.request,
		WriteTimeout:      limits.answer,
		IdleTimeout:       limits.idle,
		MaxHeaderBytes:    16 << 10,
	}
	go func() { w.served <- w.server.Serve(listener) }()
	return w, nil
}

// Addr is where the witness listens, host:port.
func (w *Witness) Addr() string { return w.addr }

// Token returns the bearer token by which the witness knows a replica. It is
// random, made at the first call for that replica, and the same ever after.
func (w *Witness) Token(replica string) string { return w.tokens.of(replica) }

// Close answers what has arrived, then breaks off whatever connections are
// left. Once it has returned, nothing more is appended to the log. ctx can
// shorten the wait for answers, never the rest. Closing twice is harmless.
func (w *Witness) Close(ctx context.Context) error {
	w.closing.Do(func() { w.closeErr = w.close(ctx) })
	return w.closeErr
}

func (w *Witness) close(ctx context.Context) error {
	grace, cancel := context.WithTimeout(ctx, w.grace)
	defer cancel()
	err := w.server.Shutdown(grace)
	w.ledger.close()
	if grace.Err() != nil { // some sender kept its connection: it gets no answer
		err = w.server.Close()
	}
	if served := <-w.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err != nil {
		return fmt.Errorf("close witness: %w", err)
	}
	return nil
}
