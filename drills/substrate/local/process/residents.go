package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// EndResidents kills every process that lives in a folder, frozen or not, and
// returns once all are gone, with their names. A process lives there if it was
// started with it as TMPDIR or with one below, as children inherit it; one of the
// given programs also if it works there, because a server that shows a title in
// the place of its arguments overwrites its environment. The folder's path must
// be absolute and free of symbolic links.
func EndResidents(ctx context.Context, dir string, programs ...string) (ended []string, err error) {
	var all []stat
	// What was forked while the others were listed is found by the next look.
	err = await(ctx, func() (bool, error) {
		found, err := residents(dir, programs)
		errs := []error{err}
		for _, s := range found {
			errs = append(errs, s.kill())
			if !slices.ContainsFunc(all, s.is) {
				all, ended = append(all, s), append(ended, s.name)
			}
		}
		return len(found) == 0, errors.Join(errs...)
	})
	if err = errors.Join(err, awaitAll(ctx, "gone", all, stat.gone)); err != nil {
		return ended, fmt.Errorf("end what lives in %s: %w", dir, err)
	}
	return ended, nil
}

// AwaitNone waits until nothing lives in a folder, and ends nothing itself.
func AwaitNone(ctx context.Context, dir string, programs ...string) error {
	return await(ctx, func() (bool, error) {
		found, err := residents(dir, programs)
		return len(found) == 0, err
	})
}

func residents(dir string, programs []string) ([]stat, error) {
	all, err := readStats("/proc/[0-9]*/stat")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	return slices.DeleteFunc(all, func(s stat) bool { return s.ended() || !s.livesIn(dir, programs) }), nil
}

// livesIn takes what it may not look into for somebody else's.
func (s stat) livesIn(dir string, programs []string) bool {
	proc, below := filepath.Join("/proc", strconv.Itoa(s.pid)), dir+"/"
	if slices.Contains(programs, s.name) {
		if at, err := os.Readlink(filepath.Join(proc, "cwd")); err == nil && (at == dir || strings.HasPrefix(at, below)) {
			return true
		}
	}
	environ, err := os.ReadFile(filepath.Join(proc, "environ"))
	return err == nil && slices.ContainsFunc(bytes.Split(environ, []byte{0}), func(variable []byte) bool {
		return bytes.HasPrefix(append(variable[:len(variable):len(variable)], '/'), []byte("TMPDIR="+below))
	})
}

// is tells whether both are of the same process.
func (s stat) is(other stat) bool { return s.pid == other.pid && s.started == other.started }

// kill kills the very process of that stat: the handle is taken before it is
// looked at, so that the signal cannot reach a successor with the same pid.
func (s stat) kill() error {
	handle, err := os.FindProcess(s.pid)
	if err != nil {
		return fmt.Errorf("find process %d: %w", s.pid, err)
	}
	gone, err := s.gone()
	if err == nil && !gone {
		err = handle.Kill()
	}
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	if err = errors.Join(err, handle.Release()); err != nil {
		return fmt.Errorf("kill process %d: %w", s.pid, err)
	}
	return nil
}
