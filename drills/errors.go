package drills

import (
	"errors"
	"fmt"
)

var (
	// ErrNotRunning says that a process had already ended.
	ErrNotRunning = errors.New("process is not running")
	// ErrRunning says that a process cannot be started because it runs.
	ErrRunning = errors.New("process is already running")
	// ErrClosed says that a substrate has been closed.
	ErrClosed = errors.New("substrate is closed")
	// ErrUnsupported says that this substrate or process cannot do that.
	ErrUnsupported = errors.New("not supported here")
)

// EnvironmentError says that a drill could not be started because the machine
// lacks something. Hint is the command or package that mends it.
type EnvironmentError struct {
	Missing string // what is missing: "postgres (15 or newer)"
	Hint    string // what to do: "apt-get install postgresql"
	Err     error  // may be nil
}

func (e *EnvironmentError) Error() string {
	s := e.Missing
	if e.Err != nil {
		s = fmt.Sprintf("%s: %v", s, e.Err)
	}
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

func (e *EnvironmentError) Unwrap() error { return e.Err }

// LeftAlone says what healing leaves as it is, since it may be in use, or may be
// somebody else's.
type LeftAlone struct{ What string }

func (e *LeftAlone) Error() string { return "left alone: " + e.What }
