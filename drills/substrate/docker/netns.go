package docker

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/drillrun/drillrun/drills"
)

// namespace is the network namespace of a container. While it is open it lives,
// even if the container has ended.
type namespace struct{ file *os.File }

// namespaceOf opens that of a process.
func namespaceOf(pid int) (namespace, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return namespace{}, fmt.Errorf("open network namespace: %w", err)
	}
	return namespace{f}, nil
}

func (n namespace) close() error { return n.file.Close() }

// within calls f on a thread that is in the namespace. The sockets that f makes
// stay there.
func (n namespace) within(f func() error) error {
	done := make(chan error, 1)
	go func() {
		// The thread is never unlocked: it ends with this goroutine, and nobody
		// finds himself in a foreign namespace.
		runtime.LockOSThread()
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter network namespace: %w", err)
			return
		}
		done <- f()
	}()
	return <-done
}

// listen makes a listener there.
func (n namespace) listen(ctx context.Context, addr string) (listener net.Listener, err error) {
	err = n.within(func() error {
		var config net.ListenConfig
		listener, err = config.Listen(ctx, "tcp4", addr)
		return err
	})
	return listener, err
}

// dial connects from there.
func (n namespace) dial(ctx context.Context, addr string) (conn net.Conn, err error) {
	err = n.within(func() error {
		var dialer net.Dialer
		conn, err = dialer.DialContext(ctx, "tcp4", addr)
		return err
	})
	return conn, err
}

// canEnter tries whether namespaces can be entered at all, on our own.
func canEnter() error {
	own, err := namespaceOf(os.Getpid())
	if err != nil {
		return err
	}
	defer own.close()
	if err := own.within(func() error { return nil }); err != nil {
		return &drills.EnvironmentError{
			Missing: "the right to enter containers' network namespaces", Err: err, Hint: "run drillrun as root (`sudo -E`)",
		}
	}
	return nil
}
