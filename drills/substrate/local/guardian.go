package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drillrun/drillrun/drills/substrate/local/process"
)

// guardianName is what a guardian is started as; its argument is the scratch folder.
// A variable of the environment would make guardians of all commands of a caller who
// happens to have it.
const guardianName = "drillrun-guardian"

// farewell is how long initdb may take to end when its harness has been killed.
const farewell = 2 * time.Second

// A guardian is made here and not by a call in main: a test binary that forgot
// the call would run its tests as a guardian, and each of those would start
// guardians of its own.
func init() {
	if len(os.Args) != 2 || os.Args[0] != guardianName {
		return
	}
	// It outlives whatever ends the harness, and by a signal the group of both.
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	if err := guard(context.Background(), os.Stdin, os.Args[1]); err != nil {
		os.Exit(1) // what is left is for the next run, or for Heal
	}
	os.Exit(0)
}

// guard waits until the other end of the pipe is closed, which the kernel does
// for a harness that cannot do it any more, and clears up after it.
func guard(ctx context.Context, harness io.Reader, dir string) error {
	if _, err := io.Copy(io.Discard, harness); err != nil {
		return err
	}
	// initdb has been asked by the kernel, and so ends the server that it has started,
	// which would leave shared memory behind if it were killed. Where it does not end,
	// being frozen, it is.
	leaving, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	_ = process.AwaitNone(leaving, filepath.Join(dir, templateName), "postgres")
	_, err := reclaimDead(ctx, dir)
	return err
}

// guardian is this program once more, in a session of its own: the process
// that ends what the harness could not end itself, frozen or not.
type guardian struct {
	cmd  *exec.Cmd
	life *os.File // the end of a pipe that nobody but the living harness holds
}

func startGuardian(ctx context.Context, dir string) (*guardian, error) {
	watch, life, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the guardian: %w", err)
	}
	// The link leads to this program even if its file has been replaced since.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/proc/self/exe")
	cmd.Args, cmd.Env = []string{guardianName, dir}, []string{}
	cmd.Dir, cmd.Stdin = "/", watch
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	if err = errors.Join(err, watch.Close()); err != nil {
		return nil, fmt.Errorf("start the guardian: %w", errors.Join(err, life.Close()))
	}
	return &guardian{cmd, life}, nil
}

// dismiss ends the guardian of a harness that has cleared up itself.
func (g *guardian) dismiss() error {
	err := g.cmd.Process.Kill()
	if end := g.cmd.Wait(); g.cmd.ProcessState == nil {
		err = errors.Join(err, end) // how it ended is of no interest
	}
	if err = errors.Join(err, g.life.Close()); err != nil {
		return fmt.Errorf("dismiss the guardian: %w", err)
	}
	return nil
}
