package local_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
)

// startTraffic holds all conversations again and again, each in a goroutine of
// its own, until end is called.
func (s *storm) startTraffic(t *testing.T) (end func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, c := range s.traffic {
		all.Go(func() {
			for ctx.Err() == nil {
				err := c.hold(ctx)
				assert.NotErrorIs(t, err, errGarbled, c.name)
				switch {
				case err == nil:
					s.whole.Add(1)
				case errors.Is(err, errClogged):
					s.clogged.Add(1)
				default:
					s.cut.Add(1)
				}
				rest(ctx, c.pause)
			}
		})
	}
	end = func() { cancel(); all.Wait() }
	t.Cleanup(end)
	return end
}

// conversation is one way to use a link: each round sends the request and
// reads the reply, or as much of it as is known.
type conversation struct {
	name           string
	addr           string
	request, reply []byte
	rounds         int           // on one connection
	patience       time.Duration // for each of them
	pause          time.Duration // between two conversations
}

var (
	errGarbled = errors.New("the reply is another one than expected")
	errClogged = errors.New("the peer does not read")
)

func (c conversation) hold(ctx context.Context) error {
	dialer := net.Dialer{Timeout: c.patience}
	conn, err := dialer.DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return err
	}
	for range c.rounds {
		if err = c.round(conn); err != nil {
			break
		}
	}
	return errors.Join(err, conn.Close())
}

func (c conversation) round(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(c.patience)); err != nil {
		return err
	}
	// A server may answer without having read everything, and then close.
	_, writeErr := conn.Write(c.request)
	if errors.Is(writeErr, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w: %w", errClogged, writeErr)
	}
	buf := make([]byte, min(len(c.reply), 64<<10))
	for left := c.reply; len(left) > 0; {
		n, err := conn.Read(buf[:min(len(buf), len(left))])
		if !bytes.HasPrefix(left, buf[:n]) {
			return errGarbled // also if bytes were lost on the way
		}
		if left = left[n:]; err != nil {
			return errors.Join(writeErr, err)
		}
	}
	return nil
}

func redisTalk(t *testing.T, store drills.Store) []conversation {
	t.Helper()
	u, err := url.Parse(store.URL(store.Addr()))
	require.NoError(t, err)
	password, _ := u.User.Password()
	echo := func(name string, text string, c conversation) conversation {
		c.name = name
		c.request = fmt.Appendf(nil, "AUTH %s\r\n*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", password, len(text), text)
		c.reply = fmt.Appendf(nil, "+OK\r\n$%d\r\n%s\r\n", len(text), text)
		return c
	}
	return []conversation{
		echo("a word to Redis", "hello", conversation{rounds: 1, patience: 250 * time.Millisecond, pause: 15 * time.Millisecond}),
		echo("many words to Redis", "hello again", conversation{rounds: 50, patience: 1500 * time.Millisecond, pause: 10 * time.Millisecond}),
		echo("a flood to Redis", noise(), conversation{rounds: 1, patience: 120 * time.Millisecond, pause: 80 * time.Millisecond}),
	}
}

func replicaTalk() []conversation {
	ok := []byte("HTTP/1.1 200 OK\r\n")
	post := fmt.Sprintf("POST / HTTP/1.1\r\nHost: replica-1\r\nContent-Length: %d\r\n\r\n", bulk)
	return []conversation{
		{name: "a request to the replica", request: []byte("GET / HTTP/1.1\r\nHost: replica-1\r\n\r\n"), reply: ok,
			rounds: 1, patience: 250 * time.Millisecond, pause: 15 * time.Millisecond},
		// It is answered early and the rest of it is not read.
		{name: "a flood to the replica", request: []byte(post + strings.Repeat("x", 1<<20)), reply: ok,
			rounds: 1, patience: 120 * time.Millisecond, pause: 80 * time.Millisecond},
	}
}

// noise does not repeat itself, so that a gap in it shows.
func noise() string {
	text := make([]byte, bulk)
	for i := 0; i < len(text); i += 8 {
		copy(text[i:], fmt.Sprintf("%08x", i))
	}
	return string(text)
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(files)
}

// steady measures what does not change any more: a proxy that has just been
// opened is still starting goroutines.
func steady(measure func() int) (n int) {
	for same := 0; same < 10; same++ {
		if now := measure(); now != n {
			n, same = now, 0
		}
		rest(context.Background(), breath)
	}
	return n
}

// settles waits until so much is measured, or less.
func settles(t *testing.T, what string, measure func() int, limit int) {
	t.Helper()
	deadline := time.Now().Add(recovery)
	for measure() > limit && time.Now().Before(deadline) {
		rest(context.Background(), breath)
	}
	stacks := make([]byte, 1<<20)
	require.LessOrEqual(t, measure(), limit, "%s; goroutines:\n%s", what, stacks[:runtime.Stack(stacks, true)])
}
