package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drillrun/drillrun/drills/substrate/local/process"
	"github.com/drillrun/drillrun/drills/substrate/lockfile"
)

const (
	// yielding is how long a lock is waited for that no living harness holds.
	yielding = 10 * time.Second
	// glance is the pause between two looks at its lock.
	glance = 10 * time.Millisecond
)

// scratchName is what newScratch calls its folders.
var scratchName = regexp.MustCompile(`^` + scratchPrefix + `[0-9]+$`)

var (
	errGone    = errors.New("no scratch folder")
	errForeign = errors.New("no harness of this user has made it")
)

// Heal ends and removes what dead harnesses left behind, and says what it did,
// line by line. It looks at the places of substrates whose harness is known to
// be dead; without any, at all scratch folders where the config says, and leaves
// those alone whose harness lives.
func Heal(ctx context.Context, c Config, places ...string) (done []string, err error) {
	if len(places) == 0 {
		parent, err := c.parent()
		if err != nil {
			return nil, err
		}
		return sweep(ctx, parent)
	}
	var errs []error
	for _, dir := range places {
		did, err := reclaimDead(ctx, dir)
		done, errs = append(done, did...), append(errs, err)
	}
	return done, errors.Join(errs...)
}

// reclaimDead reclaims the scratch folder of a harness that is known to be dead.
// Its lock may still be held: by somebody who is at it already, or for a moment
// by the kernel, which closes the files of a process one after the other.
func reclaimDead(ctx context.Context, dir string) ([]string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, yielding, lockfile.ErrHeld)
	defer cancel()
	next := time.NewTicker(glance)
	defer next.Stop()
	for {
		done, err := reclaim(ctx, dir)
		switch {
		case errors.Is(err, errGone):
			return nil, nil
		case !errors.Is(err, lockfile.ErrHeld):
			return done, err
		}
		select {
		case <-next.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("scratch folder %s: %w", dir, context.Cause(ctx))
		}
	}
}

// sweep reclaims the scratch folders of dead runs of the same user.
func sweep(ctx context.Context, parent string) (done []string, err error) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return nil, fmt.Errorf("look for old scratch folders: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if !scratchName.MatchString(e.Name()) {
			continue
		}
		did, err := reclaim(ctx, filepath.Join(parent, e.Name()))
		done = append(done, did...)
		if !errors.Is(err, errGone) && !errors.Is(err, lockfile.ErrHeld) && !errors.Is(err, errForeign) {
			errs = append(errs, err)
		}
	}
	return done, errors.Join(errs...)
}

// reclaim ends what lives in the scratch folder of a dead run and removes it.
// What cannot be ended keeps the folder, so that it is found again.
func reclaim(ctx context.Context, dir string) (done []string, err error) {
	s, err := openScratch(dir)
	if err != nil {
		return nil, err
	}
	ended, err := process.EndResidents(ctx, dir, "postgres", "redis-server")
	if len(ended) > 0 {
		slices.Sort(ended)
		done = append(done, fmt.Sprintf("ended %d processes of %s: %s", len(ended), dir, strings.Join(slices.Compact(ended), ", ")))
	}
	if err == nil {
		err = removeSharedMemories(dir)
	}
	if err != nil {
		return done, errors.Join(err, s.lock.Close())
	}
	if err := s.remove(); err != nil {
		return done, fmt.Errorf("remove scratch folder: %w", err)
	}
	return append(done, "removed "+dir), nil
}

// openScratch locks the scratch folder of a dead run.
func openScratch(dir string) (*scratch, error) {
	info, err := os.Lstat(dir)
	switch {
	case !scratchName.MatchString(filepath.Base(dir)) || errors.Is(err, os.ErrNotExist):
		return nil, errGone
	case err != nil:
		return nil, fmt.Errorf("look at scratch folder: %w", err)
	case !info.IsDir() || !ours(info) || info.Mode().Perm()&0o066 != 0:
		return nil, fmt.Errorf("scratch folder %q: %w", dir, errForeign)
	}
	// The place may come from a journal that somebody else has written.
	if end, err := filepath.EvalSymlinks(dir); err != nil || end != dir {
		return nil, fmt.Errorf("scratch folder %q: %w: its path leads elsewhere", dir, errForeign)
	}
	lock, err := lockDir(dir, 0)
	switch {
	case errors.Is(err, lockfile.ErrSwept):
		return nil, errGone
	case errors.Is(err, lockfile.ErrForeign):
		return nil, fmt.Errorf("scratch folder %q: %w: %w", dir, errForeign, err)
	case errors.Is(err, os.ErrNotExist):
		// One whose harness died before it was locked is empty, and goes. What
		// is not empty is none of ours.
		if err := os.Remove(dir); err != nil && !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("remove empty scratch folder: %w", err)
		}
		return nil, errGone
	case err != nil:
		return nil, fmt.Errorf("lock scratch folder: %w", err)
	}
	return &scratch{dir: dir, lock: lock}, nil
}

// removeSharedMemories does it for every Postgres that was killed.
func removeSharedMemories(dir string) error {
	who, err := storeAccount()
	if err != nil {
		return err
	}
	var errs []error
	for _, pattern := range []string{"*", "*/*"} { // the template, and the stores of substrates
		lockFiles, err := fs.Glob(os.DirFS(dir), pattern+"/"+postmasterLock) // the path of dir is no pattern
		errs = append(errs, err)
		for _, file := range lockFiles {
			errs = append(errs, who.removeSharedMemory(filepath.Join(dir, filepath.Dir(file))))
		}
	}
	return errors.Join(errs...)
}
