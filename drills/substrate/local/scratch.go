package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/lockfile"
)

const (
	// scratchPrefix begins the name of every scratch folder.
	scratchPrefix = "drillrun-"
	// lockName is the file that marks a folder as a scratch folder, and is
	// locked by its harness.
	lockName = "harness.lock"
)

// scratch is the private folder of one run of the harness. Its lock is held
// for as long as the harness lives: an unlocked one is a dead run's.
type scratch struct {
	dir  string
	lock *os.File
}

// newScratch makes a scratch folder in parent. Others may pass through it, to
// data folders of their own, but cannot list it.
func newScratch(parent string) (*scratch, error) {
	for {
		s, err := tryScratch(parent)
		if errors.Is(err, lockfile.ErrSwept) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("make a scratch folder: %w", err)
		}
		return s, nil
	}
}

func tryScratch(parent string) (*scratch, error) {
	dir, err := os.MkdirTemp(parent, scratchPrefix)
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(dir, os.O_CREATE)
	if errors.Is(err, lockfile.ErrHeld) || errors.Is(err, lockfile.ErrSwept) || errors.Is(err, os.ErrNotExist) {
		return nil, lockfile.ErrSwept
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s := &scratch{dir: dir, lock: lock}
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

// lockDir locks a scratch folder. The lock goes with the process, however it
// ends.
func lockDir(dir string, flag int) (*os.File, error) {
	return lockfile.Take(filepath.Join(dir, lockName), flag)
}

// remove deletes the folder, the lock last: what is left of an unfinished
// removal is still known as a scratch folder.
func (s *scratch) remove() error {
	entries, err := os.ReadDir(s.dir)
	errs := []error{err}
	for _, e := range entries {
		if e.Name() != lockName {
			errs = append(errs, os.RemoveAll(filepath.Join(s.dir, e.Name())))
		}
	}
	if err = errors.Join(errs...); err == nil {
		err = os.RemoveAll(s.dir)
	}
	return errors.Join(err, s.lock.Close())
}

func ours(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// reachable checks that another user can pass through every folder above dir.
func reachable(dir, user string) error {
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return &drills.EnvironmentError{
				Missing: "a folder for scratch data", Err: err, Hint: "set TMPDIR to one that exists, such as /tmp",
			}
		}
		if info.Mode().Perm()&0o001 == 0 {
			return &drills.EnvironmentError{
				Missing: fmt.Sprintf("a scratch folder that user %s can reach", user),
				Err:     fmt.Errorf("%s has mode %v", at, info.Mode().Perm()),
				Hint:    "set TMPDIR to a folder that everybody can pass through, such as /tmp",
			}
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}
