package manifest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// bearer stands between a replica that runs already and the witness, and gives each
// request the replica's token: the environment of what runs cannot be changed.
type bearer struct {
	addr     string
	server   *http.Server
	upstream *http.Transport
	served   chan error
}

// speakFor begins to hand on what comes in to the witness, in the name of a replica.
func speakFor(ctx context.Context, witness, token string) (*bearer, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &bearer{addr: listener.Addr().String(), upstream: &http.Transport{MaxIdleConnsPerHost: maxConns}, served: make(chan error, 1)}
	b.server = &http.Server{
		Handler: &httputil.ReverseProxy{
			Transport: b.upstream,
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(&url.URL{Scheme: "http", Host: witness})
				r.Out.Header.Set("Authorization", "Bearer "+token)
			},
			// A witness that hangs up is handed on as one that hangs up.
			ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
			ErrorLog:     log.New(io.Discard, "", 0),
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() { b.served <- b.server.Serve(listener) }()
	return b, nil
}

// close ends it, with every connection.
func (b *bearer) close() error {
	err := b.server.Close()
	b.upstream.CloseIdleConnections()
	if served := <-b.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("speak for a replica: %w", served))
	}
	b.served <- http.ErrServerClosed // for who closes it again
	return err
}
