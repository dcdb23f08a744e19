package adapter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/reference/jobs"
)

const (
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 1 << 20
	// maxConns bounds the connections of a client. A request that is given up
	// costs its connection, and an HTTP client goes on dialling for requests
	// that have ended: without bounds, a system that is slow for a moment drowns
	// in connections that nobody waits for.
	maxConns    = 8
	dialTimeout = time.Second
)

// client speaks the reference's HTTP API, and sends each request once. An HTTP client
// sends one again by itself where its connection was used before and breaks, and
// tells what became of the second try alone. It does so with a body that it can read
// again, or without one; such a request has a connection of its own.
type client struct {
	base  string
	token string
	http  *http.Client
	alone *http.Client // for requests without a body
}

var (
	_ drills.Client = (*client)(nil)
	_ drills.Reader = (*client)(nil)
)

// states are what the states of the reference's jobs mean.
var states = map[jobs.State]drills.JobState{
	jobs.Queued: drills.JobOpen, jobs.Running: drills.JobOpen, jobs.Done: drills.JobDone, jobs.Dead: drills.JobDead,
}

func newClient(addr, token string) *client {
	return &client{base: "http://" + addr, token: token, http: newHTTP(true), alone: newHTTP(false)}
}

func newHTTP(keep bool) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:     (&net.Dialer{Timeout: dialTimeout}).DialContext,
		MaxConnsPerHost: maxConns, MaxIdleConnsPerHost: maxConns, DisableKeepAlives: !keep,
	}}
}

// Do submits a job. Its outcome is certain only where the answer says so, or
// where no connection was made.
func (c *client) Do(ctx context.Context, op drills.Op) (json.RawMessage, error) {
	if op.Name != "submit" {
		return nil, fmt.Errorf("operation %q: %w: the reference knows submit", op.Name, drills.ErrRejected)
	}
	body, err := json.Marshal(map[string]any{
		"key": op.Key, "kind": op.Kind, "subject": op.Subject, "payload": op.Args,
	})
	if err != nil {
		return nil, fmt.Errorf("encode job %s: %w: %w", op.Key, drills.ErrRejected, err)
	}
	status, answer, err := c.call(ctx, http.MethodPost, "/v1/jobs", body)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("submit %s: %w: %w", op.Key, drills.ErrRejected, err)
	case err != nil:
		return nil, fmt.Errorf("submit %s: %w", op.Key, err)
	case status == http.StatusAccepted || status == http.StatusOK:
		return answer, nil
	case certainlyNothing(status, answer):
		return nil, fmt.Errorf("submit %s: %w: %d %s", op.Key, drills.ErrRejected, status, answer)
	}
	return nil, fmt.Errorf("submit %s: answer %d %s", op.Key, status, answer)
}

// Read asks for the job of that key.
func (c *client) Read(ctx context.Context, key, _ string) (drills.JobState, error) {
	status, answer, err := c.call(ctx, http.MethodGet, "/v1/jobs?key="+url.QueryEscape(key), nil)
	switch {
	case err != nil:
		return "", fmt.Errorf("read job %s: %w", key, err)
	case status != http.StatusOK:
		return "", fmt.Errorf("read job %s: answer %d %s", key, status, answer)
	}
	var list struct {
		Jobs []jobs.Job `json:"jobs"`
	}
	if err := json.Unmarshal(answer, &list); err != nil {
		return "", fmt.Errorf("read job %s: answer %s: %w", key, answer, err)
	}
	if len(list.Jobs) == 0 {
		return drills.JobUnknown, nil
	}
	return states[list.Jobs[0].State], nil
}

// certainlyNothing says whether an answer rules out that the job was taken.
func certainlyNothing(status int, answer []byte) bool {
	if status >= 400 && status < 500 && status != http.StatusRequestTimeout {
		return true
	}
	var told struct {
		Effect string `json:"effect"`
	}
	return json.Unmarshal(answer, &told) == nil && told.Effect == "none"
}

// ready asks whether the replica takes work.
func (c *client) ready(ctx context.Context) error {
	status, answer, err := c.call(ctx, http.MethodGet, "/readyz", nil)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("answer %d %s", status, answer)
	}
	return err
}

// goroutines asks how many goroutines the replica has.
func (c *client) goroutines(ctx context.Context) (int64, error) {
	status, answer, err := c.call(ctx, http.MethodGet, "/metrics", nil)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(answer)) {
		if count, ok := strings.CutPrefix(line, "go_goroutines "); ok {
			return strconv.ParseInt(strings.TrimSpace(count), 10, 64)
		}
	}
	return 0, fmt.Errorf("answer %d has no go_goroutines", status)
}

func (c *client) call(ctx context.Context, method, path string, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	req.GetBody = nil
	sender := c.http
	if len(body) == 0 {
		sender = c.alone
	}
	resp, err := sender.Do(req)
	if err != nil {
		return 0, nil, err
	}
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, bytes.TrimSpace(answer), errors.Join(err, resp.Body.Close())
}

// Close ends the client's connections.
func (c *client) Close() error {
	c.http.CloseIdleConnections()
	c.alone.CloseIdleConnections()
	return nil
}
