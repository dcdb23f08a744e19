package teststores

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// TB is what this package needs of a test.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
	Name() string
}

// process is a server under way.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// starter runs on one thread for good: the parent-death signal is sent when
// the thread that started a process ends, not the program.
type starter chan func()

func newStarter() starter {
	s := make(starter)
	go func() {
		runtime.LockOSThread()
		for f := range s {
			f()
		}
	}()
	return s
}

func (s starter) start(cmd *exec.Cmd) (*process, error) {
	started := make(chan error, 1)
	s <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		var exit *exec.ExitError
		if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
			fmt.Fprintf(os.Stderr, "teststores: wait for %s: %v\n", cmd.Path, err)
		}
	}()
	return p, nil
}

// stop ends a server by that signal, or by SIGKILL where it lingers.
func (p *process) stop(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(10 * time.Second):
		err := p.cmd.Process.Kill()
		<-p.exited
		return errors.Join(fmt.Errorf("%s had to be killed", p.cmd.Path), err)
	}
}

// attributes run a server as the user postgres where we are root.
func attributes(death syscall.Signal) (*syscall.SysProcAttr, error) {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: death}
	if os.Getuid() != 0 {
		return a, nil
	}
	uid, gid, err := owner()
	if err != nil {
		return nil, err
	}
	a.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return a, nil
}

func owner() (uid, gid int, err error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		return 0, 0, fmt.Errorf("Postgres refuses to run as root: %w", err)
	}
	uid, err = strconv.Atoi(u.Uid)
	gid, gerr := strconv.Atoi(u.Gid)
	return uid, gid, errors.Join(err, gerr)
}

// folder makes a temporary folder that the servers can use.
func folder() (string, error) {
	dir, err := os.MkdirTemp("", "teststores-")
	if err != nil {
		return "", err
	}
	if os.Getuid() != 0 {
		return dir, nil
	}
	uid, gid, err := owner()
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, os.Chown(dir, uid, gid)
}

// freePort returns a port that nobody listened on a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// await tries until ask succeeds, the server has ended, or 20 s have passed.
func (p *process) await(ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return fmt.Errorf("%s ended while it was starting: %w", p.cmd.Path, err)
		case <-ctx.Done():
			return fmt.Errorf("%s did not come up: %w", p.cmd.Path, err)
		}
	}
}

// program finds a binary in PATH or where distributions keep Postgres.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		return "", errors.Join(fmt.Errorf("%s is neither in PATH nor in /usr/lib/postgresql", name), err)
	}
	return found[len(found)-1], nil
}
