package docker

import (
	"context"
	"errors"
	"io/fs"
	"syscall"
	"time"

	"github.com/moby/moby/client"

	"github.com/drillrun/drillrun/drills"
)

// answering is how long an engine may take to say that it is there.
const answering = 5 * time.Second

// errSilent says that an engine took a connection, and no more.
var errSilent = errors.New("it does not answer")

// connect finds an engine that answers.
func connect(ctx context.Context) (*client.Client, error) {
	engine, err := client.New(client.FromEnv)
	if err != nil {
		return nil, noEngine(err)
	}
	asking, cancel := context.WithTimeoutCause(ctx, answering, errSilent)
	defer cancel()
	if _, err := engine.Ping(asking, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		err = why(asking, err)
		if ctx.Err() == nil {
			err = noEngine(err)
		}
		return nil, errors.Join(err, engine.Close())
	}
	return engine, nil
}

// why adds what a call was given up for: a client says no more than that time was up.
func why(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return errors.Join(cause, err)
	}
	return err
}

// noEngine says what mends it.
func noEngine(err error) error {
	e := &drills.EnvironmentError{
		Missing: "a Docker engine", Err: err, Hint: "start it (`systemctl start docker`), or set DOCKER_HOST",
	}
	switch {
	case errors.Is(err, errSilent):
		e.Hint = "look at what listens there (DOCKER_HOST), or restart it (`systemctl restart docker`)"
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EACCES):
		e.Hint = "run drillrun as root (`sudo -E`), which containers need anyway: this user may not use the engine's socket"
	}
	return e
}
