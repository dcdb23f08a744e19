package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	containerapi "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/drillrun/drillrun/drills"
)

// before is how a project was before it was adopted. It stands in a label of its
// holder, so that whoever finds the holder can put the project back.
type before struct {
	Project    string
	Containers []lent // those that others depend on first
}

// lent is a container that is not ours.
type lent struct {
	ID, Name string
	Homes    []home
	Limited  bool // it has limits of its own, which are never touched
	Restarts containerapi.RestartPolicy
}

// lend notes how a container is.
func lend(found containerapi.InspectResponse, homes []home) lent {
	of := found.HostConfig
	return lent{
		ID: found.ID, Name: strings.TrimPrefix(found.Name, "/"), Homes: homes,
		Limited:  limited(of) || of.NanoCPUs > 0,
		Restarts: of.RestartPolicy,
	}
}

func (b before) label() (string, error) {
	text, err := json.Marshal(b)
	if err != nil {
		return "", fmt.Errorf("note how the project was: %w", err)
	}
	return string(text), nil
}

func readBefore(label string) (b before, err error) {
	if err := json.Unmarshal([]byte(label), &b); err != nil {
		return b, fmt.Errorf("read how a project was: %w", err)
	}
	return b, nil
}

// putBack undoes all that may have been done to a container, whoever did it, and
// says what that was. One that is gone needs nothing.
func (l lent) putBack(ctx context.Context, engine *client.Client) (did []string, err error) {
	answer, err := engine.ContainerInspect(ctx, l.ID, client.ContainerInspectOptions{})
	switch {
	case errdefs.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("put %s back: %w", l.Name, err)
	}
	for _, undo := range []func(context.Context, *client.Client, containerapi.InspectResponse) (string, error){
		l.straighten, l.resume, l.attach, l.unlimit, l.start, l.letRestart,
	} {
		what, err := undo(ctx, engine, answer.Container)
		if err != nil {
			return did, fmt.Errorf("put %s back: %w", l.Name, err)
		}
		if what != "" {
			did = append(did, what)
		}
	}
	return did, nil
}

func (lent) straighten(_ context.Context, _ *client.Client, found containerapi.InspectResponse) (string, error) {
	if !found.State.Running {
		return "", nil // its rules have gone with its namespace
	}
	return "", straighten(found.State.Pid)
}

func (l lent) resume(ctx context.Context, engine *client.Client, found containerapi.InspectResponse) (string, error) {
	if !found.State.Paused {
		return "", nil
	}
	_, err := engine.ContainerUnpause(ctx, l.ID, client.ContainerUnpauseOptions{})
	return "resumed", err
}

func (l lent) attach(ctx context.Context, engine *client.Client, found containerapi.InspectResponse) (string, error) {
	did, err := attach(ctx, engine, found, l.Homes)
	if !did {
		return "", err
	}
	return "attached", err
}

func (l lent) unlimit(ctx context.Context, engine *client.Client, found containerapi.InspectResponse) (string, error) {
	if l.Limited || !limited(found.HostConfig) {
		return "", nil
	}
	r := resources(drills.Limits{})
	_, err := engine.ContainerUpdate(ctx, l.ID, client.ContainerUpdateOptions{Resources: &r})
	return "freed of limits", err
}

// limited says whether it has limits such as faults set.
func limited(of *containerapi.HostConfig) bool {
	return of.CPUQuota > 0 || of.Memory > 0 && of.Memory != unlimited
}

func (l lent) start(ctx context.Context, engine *client.Client, found containerapi.InspectResponse) (string, error) {
	if found.State.Running {
		return "", nil
	}
	_, err := engine.ContainerStart(ctx, l.ID, client.ContainerStartOptions{})
	return "started", err
}

// letRestart has the engine start it again by itself, if it did before.
func (l lent) letRestart(ctx context.Context, engine *client.Client, _ containerapi.InspectResponse) (string, error) {
	if l.Restarts.IsNone() {
		return "", nil
	}
	_, err := engine.ContainerUpdate(ctx, l.ID, client.ContainerUpdateOptions{RestartPolicy: &l.Restarts})
	return "", err
}

// stay has the engine not start it again by itself: a drill would not know what
// runs.
func (l lent) stay(ctx context.Context, engine *client.Client) error {
	if l.Restarts.IsNone() {
		return nil
	}
	never := containerapi.RestartPolicy{Name: containerapi.RestartPolicyDisabled}
	if _, err := engine.ContainerUpdate(ctx, l.ID, client.ContainerUpdateOptions{RestartPolicy: &never}); err != nil {
		return fmt.Errorf("have %s not be restarted by the engine: %w", l.Name, err)
	}
	return nil
}

// putBack puts every container back, and says what that took.
func (b before) putBack(ctx context.Context, engine *client.Client) (done []string, err error) {
	var errs []error
	for _, l := range b.Containers {
		did, err := l.putBack(ctx, engine)
		if len(did) > 0 {
			done = append(done, fmt.Sprintf("project %s: %s: %s", b.Project, l.Name, strings.Join(did, ", ")))
		}
		errs = append(errs, err)
	}
	return done, errors.Join(errs...)
}
