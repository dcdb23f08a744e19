package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/drillrun/drillrun/drills"
)

// account is who runs the stores.
type account struct {
	name       string
	credential *syscall.Credential // nil for the user of the harness
}

// storeAccount is the user of the harness, except that Postgres refuses root.
func storeAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	found, err := user.Lookup("postgres")
	if _, unknown := errors.AsType[user.UnknownUserError](err); unknown {
		found, err = user.Lookup("nobody")
	}
	if err != nil {
		return account{}, fmt.Errorf("find a user for the stores: %w", err)
	}
	uid, err1 := strconv.ParseUint(found.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(found.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return account{}, fmt.Errorf("user %s: %w", found.Username, err)
	}
	return account{found.Username, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// nameless is what mends a user without a name, as in a container with `--user
// 12345`.
const nameless = "give it one: `echo \"drill:x:$(id -u):$(id -g)::/tmp:/bin/sh\" >> /etc/passwd`, or nss_wrapper (LD_PRELOAD and NSS_WRAPPER_PASSWD)"

// named wants the account to have a name, without which initdb refuses to start. It
// is asked for as initdb asks: names may come from elsewhere than /etc/passwd.
func (a account) named(ctx context.Context) error {
	if a.name != "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probing)
	defer cancel()
	id := exec.CommandContext(ctx, "id", "-un")
	id.WaitDelay = probing
	_, err := id.Output()
	if exit, refused := errors.AsType[*exec.ExitError](err); refused && ctx.Err() == nil {
		return &drills.EnvironmentError{
			Missing: fmt.Sprintf("a name for user %d, as whom the stores run", os.Geteuid()), Hint: nameless,
			Err: errors.New(strings.TrimSpace(string(exit.Stderr))),
		}
	}
	return nil // it has one, or there is no id: initdb will tell
}

// own gives a file or folder to the account.
func (a account) own(path string) error {
	if a.credential == nil {
		return nil
	}
	return os.Lchown(path, int(a.credential.Uid), int(a.credential.Gid))
}

// mkdir makes a folder that only the account can enter.
func (a account) mkdir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return a.own(dir)
}

// write makes a file that only the account can read.
func (a account) write(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	return a.own(path)
}

// copyTree copies a folder of plain files and folders, for the account.
func (a account) copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, inside)
		if e.IsDir() {
			return a.mkdir(target)
		}
		if !e.Type().IsRegular() {
			return fmt.Errorf("%s is no plain file", path)
		}
		return errors.Join(copyFile(path, target), a.own(target))
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return errors.Join(err, in.Close())
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close(), in.Close())
}

// is tells whether that user is the account's.
func (a account) is(uid uint32) bool {
	if a.credential == nil {
		return int(uid) == os.Geteuid()
	}
	return uid == a.credential.Uid
}
