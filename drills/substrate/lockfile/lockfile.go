// Package lockfile tells whether a harness lives: it holds the lock on a file
// for as long as it does, however it ends, so that no pid has to be trusted.
package lockfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

var (
	// ErrHeld says that a living harness holds the lock.
	ErrHeld = errors.New("locked by a living harness")
	// ErrSwept says that another harness took the file for a dead one's in the
	// moment before it was locked.
	ErrSwept = errors.New("removed by another harness")
	// ErrForeign says that the file is none that a harness of this user has made.
	ErrForeign = errors.New("no lock file of this user")
)

// Take locks the file, which is made if flag says so ([os.O_CREATE]). Closing it
// gives the lock back. It takes no other file than one that has been made so: where
// it lies may be somebody else's word.
func Take(name string, flag int) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK|flag, 0o600)
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("%w: it is a symbolic link", ErrForeign)
	}
	if err != nil {
		return nil, err
	}
	if err := made(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrHeld
		}
		return nil, errors.Join(err, f.Close())
	}
	held, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if now, err := os.Lstat(name); err != nil || !os.SameFile(held, now) {
		return nil, errors.Join(ErrSwept, f.Close())
	}
	return f, nil
}

// made wants a file to be as Take makes it.
func made(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	its, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok || !info.Mode().IsRegular():
		return fmt.Errorf("%w: it is no regular file", ErrForeign)
	case int(its.Uid) != os.Geteuid():
		return fmt.Errorf("%w: it belongs to user %d", ErrForeign, its.Uid)
	case info.Size() != 0:
		return fmt.Errorf("%w: it is not empty", ErrForeign)
	case info.Mode().Perm()&0o077 != 0 || its.Nlink > 1:
		return fmt.Errorf("%w: others may use it", ErrForeign)
	}
	return nil
}
