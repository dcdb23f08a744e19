package effects

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
)

// Kind is the receiver's policy for an effect.
type Kind string

// The kinds of effects.
const (
	Once   Kind = "once"   // de-duplicated by key
	Fenced Kind = "fenced" // refused below the leadership's highest term, and de-duplicated by key
	Record Kind = "record" // written down, every time
)

// Effect is one thing done to the outside world.
type Effect struct {
	Subject    string `json:"subject"` // what must happen once
	Key        string `json:"key"`     // what the receiver de-duplicates by
	Kind       Kind   `json:"kind"`
	Leadership string `json:"leadership,omitempty"`
	Term       uint64 `json:"term,omitempty"`
	Attempt    int    `json:"attempt,omitempty"` // from 1
}

// Outcome is what the receiver did with an effect.
type Outcome string

// The outcomes of an effect that was not refused.
const (
	Accepted Outcome = "accepted"
	Seen     Outcome = "seen" // its key was known: nothing happened again
)

var (
	// ErrStale says that the effect's term has been superseded.
	ErrStale = errors.New("stale term")
	// ErrRefused says that the receiver will never take this effect.
	ErrRefused = errors.New("effect refused")
)

// Reporter sends effects. Errors other than ErrStale and ErrRefused are
// temporary and leave the outcome open: send it again with the same key.
type Reporter interface {
	Report(ctx context.Context, e Effect) (Outcome, error)
}

// Temporary says whether sending the effect again can help.
func Temporary(err error) bool {
	return err != nil && !errors.Is(err, ErrStale) && !errors.Is(err, ErrRefused)
}

// Retries is the spacing of repeated reports within one attempt.
func Retries() backoff.Policy {
	return backoff.Policy{Base: 10 * time.Millisecond, Max: 500 * time.Millisecond}
}

// health is the path of the receiver's own opinion of itself.
const health = "/healthz"

// Client is the Reporter over HTTP.
type Client struct {
	base  string
	token string
	limit time.Duration
	http  *http.Client
}

var _ Reporter = (*Client)(nil)

// NewClient returns a client of the receiver at base that gives each request
// at most limit.
func NewClient(base, token string, limit time.Duration) *Client {
	return &Client{base: base, token: token, limit: limit, http: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 2 * limit, DisableCompression: true},
	}}
}

// Report implements Reporter.
func (c *Client) Report(ctx context.Context, e Effect) (Outcome, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return "", fmt.Errorf("encode effect %s: %w: %w", e.Subject, ErrRefused, err)
	}
	status, answer, err := c.call(ctx, http.MethodPost, "/v1/effects", body)
	if err != nil {
		return "", fmt.Errorf("report %s: %w", e.Subject, err)
	}
	switch {
	case status == http.StatusOK:
		return Accepted, nil
	case status == http.StatusAlreadyReported:
		return Seen, nil
	case status == http.StatusConflict:
		return "", fmt.Errorf("report %s under term %d: %w: %s", e.Subject, e.Term, ErrStale, answer)
	case refused(status):
		return "", fmt.Errorf("report %s: %w: %d %s", e.Subject, ErrRefused, status, answer)
	}
	return "", fmt.Errorf("report %s: answer %d %s", e.Subject, status, answer)
}

// refused says whether a status is about this effect, and not about the sender
// or the moment.
func refused(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status < 500
}

// KeepWarm keeps a connection to the receiver open until ctx ends, so that the
// first effect of a new leader has no connection to wait for.
func (c *Client) KeepWarm(ctx context.Context, every time.Duration) {
	for {
		// Whatever the answer is: an effect that meets the same trouble reports it.
		if _, _, err := c.call(ctx, http.MethodGet, health, nil); err != nil {
			c.http.CloseIdleConnections()
		}
		if backoff.Sleep(ctx, every) != nil {
			return
		}
	}
}

// Ping asks the receiver whether it is well.
func (c *Client) Ping(ctx context.Context) error {
	status, answer, err := c.call(ctx, http.MethodGet, health, nil)
	switch {
	case err != nil:
		return fmt.Errorf("ping: %w", err)
	case status != http.StatusOK:
		return fmt.Errorf("ping: answer %d %s", status, answer)
	}
	return nil
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (c *Client) call(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		// A path that swallowed one request would swallow the next one, too.
		if errors.Is(err, context.DeadlineExceeded) {
			c.http.CloseIdleConnections()
		}
		return 0, nil, err
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	return resp.StatusCode, answer, errors.Join(err, resp.Body.Close())
}
