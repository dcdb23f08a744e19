package process

import (
	"errors"
	"os/exec"
	"runtime"
	"sync"
)

// ErrClosed says that a launcher or a process has been closed.
var ErrClosed = errors.New("closed")

// Launcher starts child processes from one operating system thread. When the
// thread ends, by Close or with the whole harness, the kernel sends each child
// that is left its parent-death signal.
type Launcher struct {
	requests chan request
	quit     chan struct{}
	done     chan struct{}
	once     sync.Once
}

type request struct {
	cmd   *exec.Cmd
	reply chan error
}

// NewLauncher starts the thread. It must be closed.
func NewLauncher() *Launcher {
	l := &Launcher{requests: make(chan request), quit: make(chan struct{}), done: make(chan struct{})}
	go l.serve()
	return l
}

func (l *Launcher) serve() {
	defer close(l.done)
	// The thread is never unlocked: it ends with this goroutine.
	runtime.LockOSThread()
	for {
		select {
		case r := <-l.requests:
			r.reply <- r.cmd.Start()
		case <-l.quit:
			return
		}
	}
}

// Start is cmd.Start on the launcher's thread.
func (l *Launcher) Start(cmd *exec.Cmd) error {
	r := request{cmd: cmd, reply: make(chan error, 1)}
	select {
	case l.requests <- r:
		return <-r.reply
	case <-l.done:
		return ErrClosed
	}
}

// Close ends the thread. Children that still run get their parent-death
// signal. It is safe to call twice.
func (l *Launcher) Close() {
	l.once.Do(func() { close(l.quit) })
	<-l.done
}
