package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// The exit codes of a replica. 2 is left to a Go panic.
const (
	exitStopped = 0
	exitFailed  = 1
	// ExitConfig says that the replica refused to start as configured.
	ExitConfig = 3
)

// stopLimit is how much longer than the grace a stop may take before it is cut
// short.
const stopLimit = 500 * time.Millisecond

// Build makes the parts of a replica.
type Build func(Config, Deps) *Parts

// Main runs a replica of sound parts, configured by getenv, until it is told
// to stop by a signal or by ctx, and returns the exit code. The process is
// expected to exit with it: after a stop on the spot, parts still run.
func Main(ctx context.Context, getenv func(string) string, stdout, stderr io.Writer) int {
	return MainWith(ctx, getenv, stdout, stderr, Sound)
}

// MainWith is Main with other parts.
func MainWith(ctx context.Context, getenv func(string) string, stdout, stderr io.Writer, build Build) int {
	c, err := FromEnvironment(getenv)
	if err != nil {
		return refuse(stderr, err)
	}
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: c.LogLevel})).With("name", c.Replica)
	redis.SetLogger(redisLog{log})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, c, build, log, stdout) }()

	log.Info("started", "role", c.Role, "pid", os.Getpid())
	select {
	case s := <-signals:
		log.Info("stopping", "signal", s.String())
		stop()
	case <-ctx.Done():
		log.Info("stopping", "err", context.Cause(ctx))
	case err := <-ended:
		return exitCode(log, stderr, err)
	}
	select {
	case s := <-signals:
		log.Error("stopped on the spot", "signal", s.String())
		return exitFailed
	case <-time.After(c.Grace + stopLimit):
		log.Error("stopped on the spot: the grace has passed")
		return exitFailed
	case err := <-ended:
		return exitCode(log, stderr, err)
	}
}

// redisLog receives what the Redis client has to say besides its errors.
type redisLog struct{ log *slog.Logger }

// Printf implements the client's logger.
func (l redisLog) Printf(_ context.Context, format string, args ...any) {
	l.log.Debug(fmt.Sprintf(format, args...))
}

func exitCode(log *slog.Logger, stderr io.Writer, err error) int {
	switch {
	case errors.Is(err, ErrConfig):
		return refuse(stderr, err)
	case err != nil:
		log.Error("failed", "err", err)
		return exitFailed
	}
	log.Info("stopped")
	return exitStopped
}

// refuse tells a person why the replica does not start.
func refuse(stderr io.Writer, err error) int {
	if _, werr := fmt.Fprintf(stderr, "controlplane: %v\n", err); werr != nil {
		return exitFailed
	}
	return ExitConfig
}
