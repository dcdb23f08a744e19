package manifest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/drillrun/drillrun/drills"
)

const (
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 1 << 20
	// maxConns bounds the connections of a client. A request that is given up
	// costs its connection: without bounds, a system that is slow for a moment
	// drowns in connections that nobody waits for.
	maxConns    = 8
	dialTimeout = time.Second
)

// media is what a body is, as far as it matters for the values in it.
type media int

const (
	otherMedia media = iota
	jsonMedia
	formMedia
)

func mediaOf(contentType string) media {
	name, _, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil:
		return otherMedia
	case name == "application/json", strings.HasSuffix(name, "+json"):
		return jsonMedia
	case name == "application/x-www-form-urlencoded":
		return formMedia
	}
	return otherMedia
}

// caller sends requests to one replica, through the links in front of it, and each of
// them once. An HTTP client sends a request again by itself where its connection was
// used before and breaks, and tells what became of the second try alone: the first
// may have been carried out. It does so with a body that it can read again, or
// without one; such a request has a connection of its own.
type caller struct {
	addrs map[string]string // by port
	http  *http.Client
	alone *http.Client // for requests without a body
}

func newCaller(addrs map[string]string) *caller {
	return &caller{addrs: addrs, http: newHTTP(true), alone: newHTTP(false)}
}

func newHTTP(keep bool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:     (&net.Dialer{Timeout: dialTimeout}).DialContext,
			MaxConnsPerHost: maxConns, MaxIdleConnsPerHost: maxConns, DisableKeepAlives: !keep,
		},
		// Another address is past the links: an answer that sends there is no answer.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// call sends a request and reads the whole answer.
func (c *caller) call(ctx context.Context, q requestSpec, values map[string]string) (status int, answer []byte, err error) {
	target := "http://" + c.addrs[q.port] + q.path.fill(values, func(_, value string) string {
		return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
	})
	req, err := http.NewRequestWithContext(ctx, q.method, target, strings.NewReader(q.fillBody(values)))
	if err != nil {
		return 0, nil, err
	}
	if len(q.body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range q.headers {
		req.Header.Set(h.name, h.value.fill(values, plain))
	}
	req.GetBody = nil
	sender := c.http
	if req.Body == nil || req.Body == http.NoBody {
		sender = c.alone
	}
	resp, err := sender.Do(req)
	if err != nil {
		return 0, nil, err
	}
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, bytes.TrimSpace(answer), errors.Join(err, resp.Body.Close())
}

// fillBody puts values into the body so that they are what they were there.
func (q *requestSpec) fillBody(values map[string]string) string {
	return q.body.fill(values, func(variable, value string) string {
		switch {
		case variable == argsVariable, q.media == otherMedia:
			return value
		case q.media == formMedia:
			return url.QueryEscape(value)
		}
		quoted, err := json.Marshal(value)
		if err != nil {
			panic(err) // a string always encodes
		}
		return string(quoted[1 : len(quoted)-1])
	})
}

func (c *caller) close() {
	c.http.CloseIdleConnections()
	c.alone.CloseIdleConnections()
}

// client submits jobs to one replica.
type client struct {
	*caller
	submit *submitSpec
}

var _ drills.Client = (*client)(nil)

// client is one of the replica behind those addresses. It can ask what became of a
// job only where the manifest says how.
func (s *System) client(addrs map[string]string) drills.Client {
	c := &client{newCaller(addrs), s.submit}
	if s.read == nil {
		return c
	}
	return readingClient{c, s.read}
}

// Do submits a job. Its outcome is certain only where the manifest says so of
// the answer, or where no connection was made.
func (c *client) Do(ctx context.Context, op drills.Op) (json.RawMessage, error) {
	if op.Name != "submit" || c.submit == nil {
		return nil, fmt.Errorf("operation %q: %w: the manifest does not say how", op.Name, drills.ErrRejected)
	}
	args := string(op.Args)
	if args == "" {
		args = "null"
	}
	status, answer, err := c.call(ctx, c.submit.request, map[string]string{
		keyVariable: op.Key, subjectVariable: op.Subject, kindVariable: op.Kind, concurrencyVariable: op.ConcurrencyKey, argsVariable: args,
	})
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("submit %s: %w: %w", op.Key, drills.ErrRejected, err)
	case slices.Contains(c.submit.rejected, status):
		return nil, fmt.Errorf("submit %s: %w: %d %s", op.Key, drills.ErrRejected, status, answer)
	case err != nil:
		return nil, fmt.Errorf("submit %s: %w", op.Key, err)
	case slices.Contains(c.submit.accepted, status):
		return answer, nil
	}
	return nil, fmt.Errorf("submit %s: answer %d %s", op.Key, status, answer)
}

// Close ends the client's connections.
func (c *client) Close() error {
	c.close()
	return nil
}
