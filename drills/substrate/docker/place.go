package docker

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"unicode"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/lockfile"
)

// lockName is what lock files are called.
var lockName = regexp.MustCompile(`^drillrun-docker-[A-Z2-7]{26}\.lock$`)

// newLock makes the lock file of a harness, by a path that leads through no link.
func newLock() (*os.File, error) {
	dir, err := filepath.Abs(os.TempDir())
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err == nil && strings.ContainsFunc(dir, unicode.IsControl) {
		err = fmt.Errorf("%q has a control character", dir)
	}
	if err != nil {
		return nil, &drills.EnvironmentError{Missing: "a folder for a lock file", Err: err, Hint: "set TMPDIR to another, such as /tmp"}
	}
	lock, err := lockfile.Take(filepath.Join(dir, fmt.Sprintf("drillrun-docker-%s.lock", rand.Text())), os.O_CREATE)
	if err != nil {
		return nil, fmt.Errorf("make a lock file: %w", err)
	}
	return lock, nil
}

// ownPlace is an error unless a path can be that of a lock file of ours, in a folder
// in which nobody else puts anything in its place. It may come from a journal that
// somebody else has written.
func ownPlace(place string) error {
	dir, name := filepath.Split(place)
	dir = filepath.Clean(dir)
	if !filepath.IsAbs(place) || filepath.Join(dir, name) != place || !lockName.MatchString(name) {
		return &drills.LeftAlone{What: fmt.Sprintf("%.200q, which is no lock file of drillrun", place)}
	}
	info, err := os.Lstat(dir)
	if os.IsNotExist(err) {
		return nil // it has gone with its folder
	}
	if err != nil {
		return fmt.Errorf("look at the folder of a lock file: %w", err)
	}
	its, ok := info.Sys().(*syscall.Stat_t)
	end, err := filepath.EvalSymlinks(dir)
	switch {
	case err != nil || end != dir || !ok || !info.IsDir():
	case info.Mode()&os.ModeSticky != 0:
		return nil
	case (its.Uid == 0 || int(its.Uid) == os.Geteuid()) && info.Mode().Perm()&0o002 == 0:
		return nil
	}
	return &drills.LeftAlone{What: fmt.Sprintf("lock file %q, in whose folder others could replace it", place)}
}
