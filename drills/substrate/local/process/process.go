package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drillrun/drillrun/drills"
)

// Spec describes a child process.
type Spec struct {
	Name       string
	Role       drills.Role
	Command    []string                    // program and arguments
	Env        []string                    // its whole environment, KEY=value
	Log        string                      // file to which its output is appended
	Credential *syscall.Credential         // who it runs as, nil for the harness's own user
	Stop       syscall.Signal              // asks it to end in good order
	Ask        func(context.Context) error // does so in place of Stop; nil for that
	Quit       syscall.Signal              // ends it at once: at Close, and when the harness dies
	Grace      time.Duration               // how long Stop may take before SIGKILL
	Tree       bool                        // its children leave its process group
}

// Process is a child process that runs, or ran and can be started again. It is
// safe for concurrent use.
type Process struct {
	spec     Spec
	launcher *Launcher
	reapers  sync.WaitGroup

	mu     sync.Mutex // held while the child is signalled and while it is reaped
	run    *run       // nil while it does not run
	offset int64      // size of the log at the last start
	onExit []func(drills.Exit)
	set    []string // variables of the environment that count more than the spec's
	closed bool
}

var (
	_ drills.Process      = (*Process)(nil)
	_ drills.Exiter       = (*Process)(nil)
	_ drills.Configurable = (*Process)(nil)
	_ drills.Pauser       = (*Process)(nil)
	_ drills.Terminator   = (*Process)(nil)
	_ drills.Asked        = (*Process)(nil)
)

// run is one life of a process.
type run struct {
	cmd  *exec.Cmd
	pid  int
	done chan struct{} // closed once it is reaped
	exit drills.Exit   // valid after done
	err  error         // why the exit is not known, valid after done
}

// AskedBy says what asks it to end in good order.
func (p *Process) AskedBy() string {
	if p.spec.Ask != nil {
		return drills.ByRequest
	}
	return unix.SignalName(p.spec.Stop)
}

// New describes a process. It runs once it is started, and must be closed.
func New(l *Launcher, s Spec) *Process {
	return &Process{spec: s, launcher: l}
}

// Info names the process; its PID is 0 while it does not run.
func (p *Process) Info() drills.ProcessInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	info := drills.ProcessInfo{Name: p.spec.Name, Role: p.spec.Role}
	if p.run != nil {
		info.PID = p.run.pid
	}
	return info
}

// OnExit has f called after each end of the process. Kill and Terminate do not
// wait for f, so that f may take locks that their callers hold.
func (p *Process) OnExit(f func(drills.Exit)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onExit = append(p.onExit, f)
}

// Configure sets variables of the environment for the next starts.
func (p *Process) Configure(variables ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set = variables
}

// Start starts the process. It is [drills.ErrRunning] if it runs.
func (p *Process) Start(ctx context.Context) error {
	_, err := p.Launch(ctx)
	return err
}

// Launch is Start, and gives a channel that is closed when this life ends.
func (p *Process) Launch(ctx context.Context) (ended <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ended, err = p.launch(ctx); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.spec.Name, err)
	}
	return ended, nil
}

func (p *Process) launch(ctx context.Context) (<-chan struct{}, error) {
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case p.closed:
		return nil, ErrClosed
	case p.run != nil:
		return nil, drills.ErrRunning
	case len(p.spec.Command) == 0:
		return nil, errors.New("no command")
	}
	log, err := os.OpenFile(p.spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p.offset, err = log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	ctx = context.WithoutCancel(ctx) // it is for the start alone: the child outlives it
	cmd := p.command(ctx, log)
	// The child has its own descriptor of the log once it runs.
	if err := errors.Join(p.launcher.Start(cmd), log.Close()); err != nil {
		return nil, err
	}
	r := &run{cmd: cmd, pid: cmd.Process.Pid, done: make(chan struct{})}
	p.run = r
	p.reapers.Go(func() { p.reap(ctx, r) })
	return r.done, nil
}

func (p *Process) command(ctx context.Context, log *os.File) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.spec.Command[0], p.spec.Command[1:]...)
	cmd.Env = slices.Concat(p.spec.Env, p.set) // of two with the same name, the last one counts
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:    true,
		Pdeathsig:  p.spec.Quit,
		Credential: p.spec.Credential,
	}
	return cmd
}

// reap waits for the end of one life and tells of it.
func (p *Process) reap(ctx context.Context, r *run) {
	err := awaitEnd(r.pid)
	p.mu.Lock()
	// The zombie keeps its pid, and so the number of its group, from being
	// reused until it is reaped.
	err = errors.Join(err, signal(-r.pid, unix.SIGKILL))
	r.exit, r.err = wait(r.cmd, err)
	r.err = errors.Join(r.err, awaitGroup(ctx, r.pid))
	p.run = nil
	callbacks := slices.Clone(p.onExit)
	p.mu.Unlock()
	close(r.done)
	for _, f := range callbacks {
		f(r.exit)
	}
}

// awaitEnd waits until the child is a zombie and leaves it one.
func awaitEnd(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// awaitGroup waits until nothing is left of a group whose leader is reaped,
// so that its ports are free when the process starts again.
func awaitGroup(ctx context.Context, pid int) error {
	if errors.Is(unix.Kill(-pid, 0), unix.ESRCH) {
		return nil
	}
	return await(ctx, func() (bool, error) {
		left, err := family(pid)
		return len(left) == 0, err
	})
}

func wait(cmd *exec.Cmd, before error) (drills.Exit, error) {
	err := cmd.Wait()
	exit := drills.Exit{At: time.Now(), Code: -1}
	if _, ended := errors.AsType[*exec.ExitError](err); ended {
		err = nil // how it ended is in the exit
	}
	if cmd.ProcessState != nil {
		exit.Code = cmd.ProcessState.ExitCode()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			exit.Signal = status.Signal().String()
		}
	}
	return exit, errors.Join(before, err)
}

// Logs returns everything the process has printed, across restarts.
func (p *Process) Logs(context.Context) (io.ReadCloser, error) {
	f, err := os.Open(p.spec.Log)
	if errors.Is(err, os.ErrNotExist) {
		return io.NopCloser(eof{}), nil
	}
	if err != nil {
		return nil, fmt.Errorf("logs of %s: %w", p.spec.Name, err)
	}
	return f, nil
}

// eof is the log of a process that never ran.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// Said returns the end of what the process has printed since its last start,
// at most limit bytes.
func (p *Process) Said(limit int64) (string, error) {
	p.mu.Lock()
	offset := p.offset
	p.mu.Unlock()
	f, err := os.Open(p.spec.Log)
	if err != nil {
		return "", fmt.Errorf("logs of %s: %w", p.spec.Name, err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "", errors.Join(err, f.Close())
	}
	offset = max(offset, size-limit)
	text, err := io.ReadAll(io.NewSectionReader(f, offset, limit))
	return string(text), errors.Join(err, f.Close())
}

// Close ends the process for good, paused or not, and returns once nothing of
// it is left and its OnExit callbacks have returned. It is safe to call twice.
func (p *Process) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.end(ctx)
	if err != nil && !errors.Is(err, drills.ErrNotRunning) {
		return fmt.Errorf("close %s: %w", p.spec.Name, err)
	}
	told := make(chan struct{})
	go func() { p.reapers.Wait(); close(told) }()
	select {
	case <-told:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close %s: wait for OnExit callbacks: %w", p.spec.Name, ctx.Err())
	}
}
