package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/drillrun/drillrun/drills/substrate/lockfile"
)

// leftovers are what the harness of one lock file has made.
type leftovers struct {
	containers, networks, volumes []string // ids, of volumes names
	projects                      []before // that had been adopted
}

func (l leftovers) String() string {
	return fmt.Sprintf("%d containers, %d networks and %d volumes", len(l.containers), len(l.networks), len(l.volumes))
}

// Heal removes what dead harnesses left behind, and says what it did, line by
// line. It looks at the places of substrates, which are lock files; without any,
// at everything that carries our labels. What belongs to a living harness stays.
func Heal(ctx context.Context, places ...string) (done []string, err error) {
	engine, err := connect(ctx)
	if err != nil {
		if len(places) == 0 {
			return nil, nil // nothing can be found, and what there may be does not run
		}
		return nil, err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	if len(places) == 0 {
		return sweep(ctx, engine)
	}
	found, err := find(ctx, engine)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, place := range places {
		did, err := reclaim(ctx, engine, place, found[place])
		done, errs = append(done, did...), append(errs, err)
	}
	return done, errors.Join(errs...)
}

// sweep reclaims what all dead harnesses left.
func sweep(ctx context.Context, engine *client.Client) (done []string, err error) {
	found, err := find(ctx, engine)
	if err != nil {
		return nil, err
	}
	var errs []error
	for place, left := range found {
		did, err := reclaim(ctx, engine, place, left)
		done = append(done, did...)
		if !errors.Is(err, lockfile.ErrHeld) && !errors.Is(err, os.ErrPermission) { // another's, or alive
			errs = append(errs, err)
		}
	}
	slices.Sort(done)
	return done, errors.Join(errs...)
}

// find looks for everything with our labels, by lock file.
func find(ctx context.Context, engine *client.Client) (map[string]leftovers, error) {
	ours := make(client.Filters).Add("label", labelLock)
	found := map[string]leftovers{}
	containers, err := engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ours})
	if err != nil {
		return nil, fmt.Errorf("look for containers of dead runs: %w", err)
	}
	for _, c := range containers.Items {
		left := found[c.Labels[labelLock]]
		left.containers = append(left.containers, c.ID)
		if label := c.Labels[labelProject]; label != "" {
			was, err := readBefore(label)
			if err != nil {
				return nil, err
			}
			left.projects = append(left.projects, was)
		}
		found[c.Labels[labelLock]] = left
	}
	networks, err := engine.NetworkList(ctx, client.NetworkListOptions{Filters: ours})
	if err != nil {
		return nil, fmt.Errorf("look for networks of dead runs: %w", err)
	}
	for _, n := range networks.Items {
		left := found[n.Labels[labelLock]]
		left.networks = append(left.networks, n.ID)
		found[n.Labels[labelLock]] = left
	}
	volumes, err := engine.VolumeList(ctx, client.VolumeListOptions{Filters: ours})
	if err != nil {
		return nil, fmt.Errorf("look for volumes of dead runs: %w", err)
	}
	for _, v := range volumes.Items {
		left := found[v.Labels[labelLock]]
		left.volumes = append(left.volumes, v.Name)
		found[v.Labels[labelLock]] = left
	}
	return found, nil
}

// reclaim puts back what a dead harness had adopted and removes what is left of it,
// its lock file last: what cannot be undone is found again.
func reclaim(ctx context.Context, engine *client.Client, place string, left leftovers) (done []string, err error) {
	lock, err := lockfile.Take(place, 0)
	switch {
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, lockfile.ErrSwept):
		// Its harness has ended, and could not remove everything.
	case err != nil:
		return nil, fmt.Errorf("lock file %s: %w", place, err)
	default:
		defer func() { err = errors.Join(err, lock.Close()) }()
	}
	var errs []error
	for _, was := range left.projects {
		did, err := was.putBack(ctx, engine)
		done, errs = append(done, did...), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return done, err // the holder says how the project was
	}
	for _, id := range left.containers {
		_, err := engine.ContainerRemove(ctx, id, client.ContainerRemoveOptions{RemoveVolumes: true, Force: true})
		errs = append(errs, err)
	}
	for _, id := range left.networks {
		_, err := engine.NetworkRemove(ctx, id, client.NetworkRemoveOptions{})
		errs = append(errs, err)
	}
	for _, name := range left.volumes { // most have gone with their containers
		_, err := engine.VolumeRemove(ctx, name, client.VolumeRemoveOptions{})
		if !errdefs.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return done, fmt.Errorf("remove what a dead run left: %w", err)
	}
	if len(left.containers)+len(left.networks)+len(left.volumes) > 0 {
		done = append(done, fmt.Sprintf("removed %v of %s", left, place))
	}
	if lock != nil {
		if err := os.Remove(place); err != nil {
			return done, fmt.Errorf("remove lock file: %w", err)
		}
	}
	return done, nil
}
