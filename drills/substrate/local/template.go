package local

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/drillrun/drillrun/drills/substrate/local/process"
)

// superuser is the Postgres role that systems and harness connect as.
const superuser = "drillrun"

// accessRules let nobody in without the password, and only from this machine.
const accessRules = "host all all 127.0.0.0/8 scram-sha-256\n"

// template is a Postgres data folder that is made once and copied for each
// substrate.
type template struct {
	initdb   string
	dir      string
	password string
	account  account
	launcher *process.Launcher

	mu   sync.Mutex
	made bool
}

// copy makes a data folder, and the template before it if need be.
func (t *template) copy(ctx context.Context, to string) error {
	if err := t.make(ctx); err != nil {
		return err
	}
	if err := t.account.copyTree(t.dir, to); err != nil {
		return fmt.Errorf("copy the Postgres template: %w", err)
	}
	return nil
}

func (t *template) make(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.made {
		return nil
	}
	secret := t.dir + ".secret"
	err := t.account.write(secret, t.password)
	if err == nil {
		err = t.runInitdb(ctx, secret)
	}
	if err == nil {
		err = t.account.write(filepath.Join(t.dir, "pg_hba.conf"), accessRules)
	}
	err = errors.Join(err, os.RemoveAll(secret))
	if err != nil {
		// initdb was perhaps killed, and the server that it had started too.
		return errors.Join(fmt.Errorf("make the Postgres template: %w", err), t.account.removeSharedMemory(t.dir), os.RemoveAll(t.dir))
	}
	t.made = true
	return nil
}

func (t *template) runInitdb(ctx context.Context, secret string) error {
	if err := t.account.mkdir(t.dir); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, t.initdb, "--pgdata="+t.dir, "--no-sync", "--no-locale", "--encoding=UTF8",
		"--username="+superuser, "--pwfile="+secret, "--auth=scram-sha-256")
	var said bytes.Buffer
	cmd.Dir, cmd.Env = t.dir, storeEnv(t.dir)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: t.account.credential}
	// initdb has children of its own, which hold its output: Wait waits for them.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := t.launcher.Start(cmd); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w\n%s", t.initdb, errors.Join(err, ctx.Err()), said.Bytes())
	}
	return nil
}

// storeEnv is the environment of a store and its tools.
func storeEnv(home string) []string {
	return []string{"PATH=/usr/bin:/bin", "HOME=" + home, "TMPDIR=" + home, "LC_ALL=C", "TZ=UTC"}
}

// newPassword is one that needs no quoting anywhere.
func newPassword() string { return rand.Text() }
