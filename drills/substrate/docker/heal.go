package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/lockfile"
)

const (
	// reclaiming bounds what the engine may take to remove what one harness left.
	reclaiming = 2 * time.Minute
	// yielding is how long a lock is waited for that no living harness holds, and
	// glance the pause between two looks.
	yielding = 10 * time.Second
	glance   = 50 * time.Millisecond
)

// Heal removes what dead harnesses left behind, and says what it did, line by
// line. It looks at the places of substrates, which are lock files; without any,
// at everything that carries our labels. What belongs to a living harness stays,
// and so does what cannot be told to be a dead one's: a [drills.LeftAlone] says so.
func Heal(ctx context.Context, places ...string) (done []string, err error) {
	engine, err := connect(ctx)
	switch {
	case errors.Is(err, errSilent) && len(places) == 0:
		return nil, &drills.LeftAlone{What: fmt.Sprintf("what containers there may be: %v", err)}
	case err != nil && len(places) == 0 && ctx.Err() == nil:
		return nil, nil // nothing can be found, and what there may be does not run
	case err != nil:
		return nil, err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	found, err := find(ctx, engine)
	if err != nil {
		return nil, err
	}
	if len(places) == 0 {
		return sweep(ctx, engine, found)
	}
	var errs []error
	for _, place := range places {
		did, err := reclaim(ctx, engine, place, found.left[place])
		done, errs = append(done, did...), append(errs, err, found.alone(place))
	}
	return done, errors.Join(errs...)
}

// sweep reclaims what all dead harnesses left.
func sweep(ctx context.Context, engine *client.Client, found *discovery) (done []string, err error) {
	var errs []error
	for place, left := range found.left {
		did, err := reclaim(ctx, engine, place, left)
		done = append(done, did...)
		if !errors.Is(err, lockfile.ErrHeld) { // alive
			errs = append(errs, err)
		}
	}
	slices.Sort(done)
	return done, errors.Join(append(errs, found.alone())...)
}

// take locks the lock file of a dead harness, if it is there. Somebody else may be at
// it already, for a moment.
func take(ctx context.Context, place string, left leftovers) (*os.File, error) {
	if err := ownPlace(place); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, yielding)
	defer cancel()
	next := time.NewTicker(glance)
	defer next.Stop()
	for {
		lock, err := lockfile.Take(place, 0)
		switch {
		case err == nil:
			return lock, nil
		case errors.Is(err, os.ErrNotExist) || errors.Is(err, lockfile.ErrSwept):
			return nil, provenDead(place, left)
		case !errors.Is(err, lockfile.ErrHeld):
			return nil, &drills.LeftAlone{What: fmt.Sprintf("lock file %q: %v", place, err)}
		case left.origin.lives() == alive:
			return nil, fmt.Errorf("lock file %s: %w", place, err)
		}
		select {
		case <-next.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("lock file %s: %w, or by somebody who heals", place, lockfile.ErrHeld)
		}
	}
}

// provenDead is an error unless the harness whose lock file is not to be seen has
// ended: the file may lie in a folder that another container or service has for
// itself.
func provenDead(place string, left leftovers) error {
	var why string
	switch lives := left.origin.lives(); {
	case left.empty() || lives == dead || lives == rebooted && left.running == 0:
		return nil
	case lives == alive:
		return fmt.Errorf("lock file %s: %w", place, lockfile.ErrHeld)
	case lives == rebooted:
		why = "they run, and were made on another machine, or before this one was started"
	default:
		why = "they were made in another container, where their drill may still go on"
	}
	return &drills.LeftAlone{What: fmt.Sprintf("%v of %s: %s. Where it has ended, `docker rm --force --volumes $(docker ps -aq --filter label=%s=%s)` removes the containers",
		left, place, why, labelLock, place)}
}

// reclaim puts back what a dead harness had adopted and removes what is left of it,
// its lock file last: what cannot be undone is found again.
func reclaim(ctx context.Context, engine *client.Client, place string, left leftovers) (done []string, err error) {
	lock, err := take(ctx, place, left)
	if err != nil {
		return nil, err
	}
	if lock != nil {
		defer func() { err = errors.Join(err, lock.Close()) }()
	}
	ctx, cancel := context.WithTimeoutCause(ctx, reclaiming, errSilent)
	defer cancel()
	var errs []error
	for _, was := range left.projects {
		did, err := was.putBack(ctx, engine)
		done, errs = append(done, did...), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return done, why(ctx, err) // the holder says how the project was
	}
	if err := left.remove(ctx, engine); err != nil {
		return done, fmt.Errorf("remove what a dead run left: %w", why(ctx, err))
	}
	if !left.empty() {
		done = append(done, fmt.Sprintf("removed %v of %s", left, place))
	}
	if lock != nil {
		if err := os.Remove(place); err != nil {
			return done, fmt.Errorf("remove lock file: %w", err)
		}
	}
	return done, nil
}

// remove removes everything. Of two who heal at once the other may have been faster.
func (l leftovers) remove(ctx context.Context, engine *client.Client) error {
	var errs []error
	note := func(err error) {
		if !errdefs.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	for _, id := range l.containers {
		_, err := engine.ContainerRemove(ctx, id, client.ContainerRemoveOptions{RemoveVolumes: true, Force: true})
		note(err)
	}
	for _, id := range l.networks {
		_, err := engine.NetworkRemove(ctx, id, client.NetworkRemoveOptions{})
		note(err)
	}
	for _, name := range l.volumes { // most have gone with their containers
		_, err := engine.VolumeRemove(ctx, name, client.VolumeRemoveOptions{})
		note(err)
	}
	return errors.Join(errs...)
}
