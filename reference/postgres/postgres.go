// Package postgres opens connections that cannot hang anybody: not their
// caller, and not the other replicas.
//
// For the caller: connecting has a limit, every call is given a deadline by
// its context, and a connection that broke is dropped at once. pgx itself
// lingers up to 15 s over a broken connection, because it dials again to
// cancel the statement and then waits for the server's goodbye; behind a
// black hole this would hold the pool's slots. So no cancel request is sent,
// and the socket is closed hard. The server notices by itself within
// client_connection_check_interval.
//
// A pooled connection that ended while it was idle is found out before it is
// used: a statement sent on it would have an unknown outcome for nothing.
//
// For the others: a frozen replica's open transaction ends at
// idle_in_transaction_session_timeout, a wait for a lock at lock_timeout. Both
// are half a ttl, the time for which a leadership is valid without an answer:
// what a lost holder has begun, even if it had to wait for a lock first, has let
// the row of its term go before the holder's session lets the lock go.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

var errNoCancel = errors.New("no cancel requests: the server notices a closed connection by itself")

// Options are what every connection of a replica shares.
type Options struct {
	URL  string
	Name string        // application_name, for whoever looks into pg_stat_activity
	TTL  time.Duration // of leaderships; the session timeouts follow from it
}

// connectLimit is how long a connection may take to come about.
func (o Options) connectLimit() time.Duration { return min(o.TTL/2, 2*time.Second) }

func (o Options) params() map[string]string {
	return map[string]string{
		"application_name":                    o.Name,
		"idle_in_transaction_session_timeout": Millis(o.TTL / 2),
		"lock_timeout":                        Millis(o.TTL / 2),
		"client_connection_check_interval":    Millis(o.TTL / 8),
	}
}

// Millis writes a duration as Postgres settings take it.
func Millis(d time.Duration) string { return strconv.FormatInt(max(d.Milliseconds(), 1), 10) }

// Pool returns a pool of at most size connections. It connects when it is
// first used, so that a replica can start while Postgres is away.
func Pool(ctx context.Context, o Options, size int32) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, fmt.Errorf("parse database URL: %w", err)
	}
	apply(cfg.ConnConfig, o, nil)
	cfg.MaxConns = size
	cfg.PingTimeout = o.connectLimit()
	cfg.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		refuseCancelRequests(c, o.connectLimit())
		return nil
	}
	cfg.PrepareConn = func(_ context.Context, c *pgx.Conn) (bool, error) { return untouched(c.PgConn().Conn()), nil }
	cfg.BeforeClose = closeBroken
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open pool: %w", err)
	}
	return pool, nil
}

// Connect opens one connection outside any pool, with more session
// parameters. Close it with Close.
func Connect(ctx context.Context, o Options, params map[string]string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(o.URL)
	if err != nil {
		return nil, fmt.Errorf("parse database URL: %w", err)
	}
	apply(cfg, o, params)
	refuseCancelRequests(cfg, o.connectLimit())
	return pgx.ConnectConfig(ctx, cfg)
}

// Close ends the session now. The server is told where that needs no waiting,
// so that the locks of a healthy session are free at once.
func Close(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := conn.Close(ctx); err != nil || conn.IsClosed() {
		closeBroken(conn)
	}
	<-conn.PgConn().CleanupDone()
}

func apply(cfg *pgx.ConnConfig, o Options, params map[string]string) {
	cfg.ConnectTimeout = o.connectLimit()
	for k, v := range o.params() {
		cfg.RuntimeParams[k] = v
	}
	for k, v := range params {
		cfg.RuntimeParams[k] = v
	}
}

// closeBroken closes the socket under a connection that pgx has given up, so
// that pgx's background farewell ends at once. An error of that would say that
// the socket is closed already, which is what is wanted.
func closeBroken(conn *pgx.Conn) {
	if conn.IsClosed() {
		conn.PgConn().Conn().Close()
	}
}

// refuseCancelRequests lets a configuration dial until it is connected and
// never again: what pgx dials later are cancel requests.
func refuseCancelRequests(cfg *pgx.ConnConfig, limit time.Duration) {
	var connected atomic.Bool
	dialer := &net.Dialer{Timeout: limit, KeepAlive: limit}
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if connected.Load() {
			return nil, errNoCancel
		}
		return dialer.DialContext(ctx, network, addr)
	}
	cfg.AfterConnect = func(context.Context, *pgconn.PgConn) error {
		connected.Store(true)
		return nil
	}
}
