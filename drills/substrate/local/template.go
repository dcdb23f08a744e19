package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local/process"
	"github.com/drillrun/drillrun/drills/substrate/stores"
)

// accessRules let nobody in without the password, and only from this machine.
const accessRules = "host all all 127.0.0.0/8 scram-sha-256\n"

// templateName is its folder in the scratch folder.
const templateName = "template"

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
		// A server that initdb had started may have been killed with it.
		return errors.Join(fmt.Errorf("make the Postgres template: %w", err), t.account.removeSharedMemory(t.dir), os.RemoveAll(t.dir))
	}
	t.made = true
	return nil
}

func (t *template) runInitdb(ctx context.Context, secret string) error {
	if err := t.account.mkdir(t.dir); err != nil {
		return err
	}
	initdb := process.New(t.launcher, process.Spec{
		Name: "initdb",
		Command: []string{t.initdb, "--pgdata=" + t.dir, "--no-sync", "--no-locale", "--encoding=UTF8",
			"--username=" + stores.Superuser, "--pwfile=" + secret, "--auth=scram-sha-256"},
		Env:        append(storeEnv(t.dir), naming()...),
		Log:        t.dir + ".log",
		Credential: t.account.credential,
		// It is asked, alone: the servers that it starts end by themselves when
		// it does, and leave shared memory behind when they are killed.
		Quit: syscall.SIGTERM,
		Tree: true,
	})
	ended := make(chan drills.Exit, 1)
	initdb.OnExit(func(e drills.Exit) { ended <- e })
	if err := initdb.Start(ctx); err != nil {
		return err
	}
	var err error
	select {
	case exit := <-ended:
		if exit.Code != 0 {
			said, logErr := initdb.Said(lastWords)
			err = errors.Join(fmt.Errorf("initdb ended with %d %s:\n%s", exit.Code, exit.Signal, said), logErr)
		}
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	return errors.Join(err, initdb.Close(context.WithoutCancel(ctx)))
}

// naming is what nss_wrapper gives a user his name by, where that is how he has one.
func naming() (env []string) {
	if os.Getenv("NSS_WRAPPER_PASSWD") == "" {
		return nil
	}
	for _, name := range []string{"LD_PRELOAD", "NSS_WRAPPER_PASSWD", "NSS_WRAPPER_GROUP"} {
		env = append(env, name+"="+os.Getenv(name))
	}
	return env
}

// storeEnv is the environment of a store and its tools.
func storeEnv(home string) []string {
	return []string{"PATH=/usr/bin:/bin", "HOME=" + home, "TMPDIR=" + home, "LC_ALL=C", "TZ=UTC"}
}
