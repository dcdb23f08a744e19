package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrForeign says that a file is no journal that a harness of this user has made.
var ErrForeign = errors.New("not a journal of ours")

// longestJournal is more than any drill writes: two lines for each of its faults.
const longestJournal = 16 << 20

// openJournal opens a journal that is there, and nothing else: it follows no link,
// waits for nobody at the other end of a pipe, and writes nothing.
func openJournal(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("%s is a symbolic link: %w", path, ErrForeign)
	}
	if err != nil {
		return nil, err
	}
	if err := made(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w: %w", path, err, ErrForeign), f.Close())
	}
	return f, nil
}

// made wants a file to be as [CreateJournal] makes it.
func made(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	its, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok || !info.Mode().IsRegular():
		return errors.New("it is no regular file")
	case !ours(its.Uid):
		return fmt.Errorf("it belongs to user %d", its.Uid)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others may write to it: its mode is %v", info.Mode().Perm())
	case its.Nlink != 1:
		return fmt.Errorf("it has %d names", its.Nlink)
	case info.Size() > longestJournal:
		return fmt.Errorf("it has %d bytes, and %d are the most", info.Size(), longestJournal)
	}
	return nil
}

// ours says whether that user is the one who runs this. Who became root by sudo may
// have been given the files of his runs.
func ours(uid uint32) bool {
	if int(uid) == os.Geteuid() {
		return true
	}
	return os.Geteuid() == 0 && os.Getenv("SUDO_UID") == strconv.FormatUint(uint64(uid), 10)
}

// readJournal reads it whole: what grows meanwhile is none.
func readJournal(f *os.File) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(f, longestJournal+1))
	if err == nil && len(text) > longestJournal {
		err = fmt.Errorf("it has more than %d bytes: %w", longestJournal, ErrForeign)
	}
	return text, err
}

// begins says whether a line that was cut off can have been one of a journal.
func begins(line []byte) bool {
	start := []byte(`{"state":"`)
	return bytes.HasPrefix(line, start) || bytes.HasPrefix(start, line)
}
