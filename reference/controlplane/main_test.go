package controlplane_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/reference/backends"
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/internal/teststores"
)

// childMark makes this test binary a replica.
const childMark = "CONTROLPLANE_TEST_REPLICA"

var stores *teststores.Stores

func TestMain(m *testing.M) {
	if os.Getenv(childMark) != "" {
		os.Exit(controlplane.Main(context.Background(), os.Getenv, os.Stdout, os.Stderr))
	}
	os.Exit(teststores.Run(
		func(s *teststores.Stores) int { stores = s; return m.Run() },
		func() error { http.DefaultClient.CloseIdleConnections(); return goleak.Find() }))
}

// world is what a test's replicas share.
type world struct {
	database, redis string
	receiver        *teststores.Receiver
}

func newWorld(t testing.TB) world {
	t.Helper()
	return world{database: stores.Database(t), redis: stores.Redis(t).URL(), receiver: teststores.NewReceiver(t)}
}

// environment is the drills' profile. One receiver stands for all backends.
func (w world) environment(name, addr string) []string {
	settings := []string{
		childMark + "=1", "ROLE=all", "REPLICA=" + name, "DATABASE_URL=" + w.database, "REDIS_URL=" + w.redis,
		"WITNESS_URL=" + w.receiver.URL(), "WITNESS_TOKEN=t", "API_ADDR=" + addr,
		"TTL=2s", "LEASE=2s", "SWEEP=1s", "CRON_EVERY=200ms", "SINGLETON_EVERY=500ms", "GRACE=3s",
	}
	for backend := range backends.Defaults().Profiles {
		settings = append(settings, controlplane.URLVariable(backend)+"="+w.receiver.URL())
	}
	return settings
}

// child is a replica in a process of its own.
type child struct {
	name string
	addr string
	cmd  *exec.Cmd
	log  *bytes.Buffer
	exit chan error
}

func (w world) start(t testing.TB, name string, env ...string) *child {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &child{name: name, addr: l.Addr().String(), log: new(bytes.Buffer), exit: make(chan error, 1)}
	require.NoError(t, l.Close())
	self, err := os.Executable()
	require.NoError(t, err)
	c.cmd = exec.Command(self)
	c.cmd.Env = append(w.environment(name, c.addr), env...)
	c.cmd.Stderr = c.log
	require.NoError(t, c.cmd.Start())
	go func() { c.exit <- c.cmd.Wait(); close(c.exit) }()
	t.Cleanup(func() {
		c.kill(t)
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, c.log)
		}
	})
	return c
}

// kill ends the replica without a word, if it has not ended yet.
func (c *child) kill(t testing.TB) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		require.ErrorIs(t, err, os.ErrProcessDone)
	}
	for range c.exit {
	}
}

// ready returns the status of /readyz and its body.
func (c *child) ready() (int, string) { return c.call(http.MethodGet, "/readyz", "") }

func (c *child) call(method, path, body string) (int, string) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.addr+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	text, err := io.ReadAll(resp.Body)
	if cerr := resp.Body.Close(); err != nil || cerr != nil {
		return 0, fmt.Sprint(err, cerr)
	}
	return resp.StatusCode, string(text)
}

func (c *child) awaitReady(t testing.TB) {
	t.Helper()
	require.Eventually(t, func() bool { status, _ := c.ready(); return status == http.StatusOK },
		20*time.Second, 5*time.Millisecond, "%s is not ready", c.name)
}

// leader returns who leads, by the table.
func (c *child) leader(t *testing.T) (holder string, term uint64) {
	t.Helper()
	status, text := c.call(http.MethodGet, "/v1/leadership", "")
	require.Equal(t, http.StatusOK, status, text)
	var l struct {
		Holder string
		Term   uint64
	}
	require.NoError(t, json.Unmarshal([]byte(text), &l))
	return l.Holder, l.Term
}

// arrival waits for an effect that is wanted and returns it.
func (w world) arrival(t *testing.T, limit time.Duration, wanted func(teststores.Arrival) bool) teststores.Arrival {
	t.Helper()
	timeout := time.After(limit)
	for seen := 0; ; {
		arrivals, more := w.receiver.Arrivals()
		for ; seen < len(arrivals); seen++ {
			if wanted(arrivals[seen]) {
				return arrivals[seen]
			}
		}
		select {
		case <-more:
		case <-timeout:
			require.FailNow(t, "the effect did not come")
		}
	}
}

// accepted counts how often each subject took effect.
func (w world) accepted() map[string]int {
	arrivals, _ := w.receiver.Arrivals()
	counts := make(map[string]int)
	for _, a := range arrivals {
		if a.Status == http.StatusOK {
			counts[a.Subject]++
		}
	}
	return counts
}

// exactlyOnce waits until n subjects with that prefix took effect, and says
// that none did twice.
func (w world) exactlyOnce(t *testing.T, prefix string, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		done := 0
		for subject := range w.accepted() {
			if strings.HasPrefix(subject, prefix) {
				done++
			}
		}
		return done >= n
	}, 20*time.Second, 10*time.Millisecond, "effects are missing")
	for subject, times := range w.accepted() {
		require.Equal(t, 1, times, subject)
	}
}

const sigterm = syscall.SIGTERM
