package resilience_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/reference/resilience"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	errDown    = errors.New("down")
	errUnasked = errors.New("an answer that nobody wanted")
)

func judge(ctx context.Context, err error) resilience.Verdict {
	switch {
	case err == nil, errors.Is(err, errUnasked):
		return resilience.Healthy
	case ctx.Err() != nil:
		return resilience.Silent
	}
	return resilience.Failing
}

func down(context.Context) error    { return errDown }
func up(context.Context) error      { return nil }
func unasked(context.Context) error { return errUnasked }

// within returns what arrives on c, and fails a test that waits too long.
func within[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}
