package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/reference/api"
	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/metrics"
	"github.com/drillrun/drillrun/reference/postgres"
	"github.com/drillrun/drillrun/reference/schema"
)

var stores *teststores.Stores

func TestMain(m *testing.M) {
	os.Exit(teststores.Run(
		func(s *teststores.Stores) int { stores = s; return m.Run() },
		func() error { http.DefaultClient.CloseIdleConnections(); return goleak.Find() }))
}

// served is an API under test.
type served struct {
	base      string
	submitted atomic.Int64
	ended     chan error
	stop      context.CancelFunc
}

func serve(t *testing.T, url string, probes ...api.Probe) *served {
	t.Helper()
	pool, err := postgres.Pool(t.Context(), postgres.Options{URL: url, Name: "test", TTL: 2 * time.Second}, 4)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s := &served{ended: make(chan error, 1)}
	health := api.NewHealth(probes...)
	a := api.New(api.Config{
		Token: "secret", Jobs: jobs.NewStore(pool, time.Second), Health: health,
		Metrics: metrics.New().Handler(), Submitted: func() { s.submitted.Add(1) }, Log: slog.New(slog.DiscardHandler),
		Leader: func(ctx context.Context) (api.Leadership, error) {
			h, err := leadership.Current(ctx, pool, "control")
			return api.Leadership{Holder: h}, err
		},
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.base = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	s.stop = cancel
	probing := make(chan struct{})
	go func() { defer close(probing); health.Run(ctx) }()
	go func() { s.ended <- a.Serve(ctx, l, time.Second); close(s.ended) }()
	t.Cleanup(func() {
		cancel()
		for range s.ended {
		}
		<-probing
	})
	return s
}

func (s *served) call(t *testing.T, method, path, body, token string) (int, map[string]any, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.base+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, errors.Join(err, resp.Body.Close()))
	var decoded map[string]any
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		require.NoError(t, json.Unmarshal(text, &decoded), "%s", text)
	}
	return resp.StatusCode, decoded, resp.Header
}

func migrated(t *testing.T) string {
	t.Helper()
	url := stores.Database(t)
	require.NoError(t, schema.Migrate(t.Context(), postgres.Options{URL: url, Name: "test", TTL: 10 * time.Second}, time.Minute))
	return url
}

func TestSubmissionsAndTheirAnswers(t *testing.T) {
	s := serve(t, migrated(t))
	for _, c := range []struct {
		name, token, body string
		status            int
		want              map[string]any
	}{
		{"a new job is accepted", "secret", `{"key":"k","payload":{"a":1}}`, 202, map[string]any{"key": "k", "state": "queued"}},
		{"the same again is known", "secret", `{"key":"k","payload":{"a":1}}`, 200, map[string]any{"key": "k", "state": "queued"}},
		{"a null payload and no payload are the same", "secret", `{"key":"n","payload":null}`, 202, map[string]any{"key": "n"}},
		{"none", "secret", `{"key":"n"}`, 200, map[string]any{"key": "n"}},
		{"another body under the key is a conflict", "secret", `{"key":"k"}`, 409, map[string]any{"effect": "none"}},
		{"no key is bad", "secret", `{}`, 400, map[string]any{"effect": "none"}},
		{"an unknown field is bad", "secret", `{"key":"x","priority":1}`, 400, map[string]any{"effect": "none"}},
		{"two bodies are bad", "secret", `{"key":"x"}{"key":"y"}`, 400, map[string]any{"effect": "none"}},
		{"a body too large is bad", "secret", `{"key":"x","payload":"` + strings.Repeat("x", 100<<10) + `"}`, 400, map[string]any{"effect": "none"}},
		{"a wrong token is refused", "guess", `{"key":"x"}`, 401, map[string]any{"effect": "none"}},
		{"no token is refused", "", `{"key":"x"}`, 401, map[string]any{"effect": "none"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body, _ := s.call(t, http.MethodPost, "/v1/jobs", c.body, c.token)
			require.Equal(t, c.status, status, body)
			for k, v := range c.want {
				require.Equal(t, v, body[k], body)
			}
		})
	}
	require.Equal(t, int64(2), s.submitted.Load(), "told of new jobs only")
}

func TestJobsCanBeReadAndListed(t *testing.T) {
	s := serve(t, migrated(t))
	_, job, _ := s.call(t, http.MethodPost, "/v1/jobs", `{"key":"k"}`, "secret")
	for path, want := range map[string]int{
		"/v1/jobs/1": 200, "/v1/jobs/2": 404, "/v1/jobs/x": 400, "/v1/jobs": 200, "/v1/jobs?state=queued&limit=1&after=0": 200,
		"/v1/jobs?state=lost": 400, "/v1/jobs?limit=0": 400, "/v1/jobs?limit=1001": 400, "/v1/jobs?after=x": 400,
		"/v1/leadership": 200, "/v1/counts": 200, "/v1/nothing": 404, "/v1/jobs?key=k": 200, "/v1/jobs?key=other": 200, "/v1/jobs?key=k&state=done": 400,
	} {
		status, body, _ := s.call(t, http.MethodGet, path, "", "secret")
		require.Equal(t, want, status, "%s: %v", path, body)
	}
	require.EqualValues(t, 1, job["id"])
	_, page, _ := s.call(t, http.MethodGet, "/v1/jobs?state=done", "", "secret")
	require.Equal(t, []any{}, page["jobs"], "an empty list, not null")
	_, page, _ = s.call(t, http.MethodGet, "/v1/jobs?key=other", "", "secret")
	require.Equal(t, []any{}, page["jobs"])
	_, page, _ = s.call(t, http.MethodGet, "/v1/jobs?key=k", "", "secret")
	require.Len(t, page["jobs"], 1)
	found, ok := page["jobs"].([]any)[0].(map[string]any)
	require.True(t, ok)
	require.Equal(t, []any{"k", "queued"}, []any{found["key"], found["state"]})
}

func TestWithoutPostgresTheAPIAnswersSoonThatCertainlyNothingHappened(t *testing.T) {
	s := serve(t, "postgres://postgres@127.0.0.1:1/none?sslmode=disable")
	began := time.Now()
	status, body, header := s.call(t, http.MethodPost, "/v1/jobs", `{"key":"k"}`, "secret")
	require.Equal(t, 503, status)
	require.Equal(t, "none", body["effect"])
	require.Equal(t, "1", header.Get("Retry-After"))
	require.Less(t, time.Since(began), 2*time.Second)
	for _, path := range []string{"/v1/leadership", "/v1/jobs?key=k"} {
		status, _, _ = s.call(t, http.MethodGet, path, "", "secret")
		require.Equal(t, 503, status, path)
	}
	status, _, _ = s.call(t, http.MethodGet, "/healthz", "", "")
	require.Equal(t, 200, status, "degraded, not dead")
	status, _, _ = s.call(t, http.MethodGet, "/metrics", "", "")
	require.Equal(t, 200, status)
}

func TestReadinessFollowsTheProbes(t *testing.T) {
	var mode atomic.Value
	mode.Store("good")
	s := serve(t, migrated(t), api.Probe{Name: "store", Ask: func(ctx context.Context) error {
		switch mode.Load() {
		case "good":
			return nil
		case "refuses":
			return errors.New("connection refused")
		}
		<-ctx.Done()
		return ctx.Err()
	}})
	become := func(status int, why string, within time.Duration) {
		t.Helper()
		require.Eventually(t, func() bool {
			began := time.Now()
			got, body, _ := s.call(t, http.MethodGet, "/readyz", "", "")
			require.Less(t, time.Since(began), 100*time.Millisecond, "answers from memory")
			text, _ := body["why"].(string)
			return got == status && strings.Contains(text, why)
		}, within, 5*time.Millisecond)
	}
	become(200, "", 2*time.Second)
	mode.Store("refuses")
	become(503, "store: connection refused", time.Second)
	mode.Store("good")
	become(200, "", time.Second)
	mode.Store("silent")
	become(503, "store", 2*time.Second)
}

func TestStoppingFinishesRequestsUnderWay(t *testing.T) {
	s := serve(t, migrated(t))
	status, _, _ := s.call(t, http.MethodPost, "/v1/jobs", `{"key":"k"}`, "secret")
	require.Equal(t, 202, status)
	s.stop()
	require.NoError(t, <-s.ended)
	_, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	require.Error(t, err)
}
