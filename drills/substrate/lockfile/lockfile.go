// Package lockfile tells whether a harness lives: it holds the lock on a file
// for as long as it does, however it ends, so that no pid has to be trusted.
package lockfile

import (
	"errors"
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
)

// Take locks the file, which is made if flag says so ([os.O_CREATE]). Closing it
// gives the lock back.
func Take(name string, flag int) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOFOLLOW|flag, 0o600)
	if err != nil {
		return nil, err
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
