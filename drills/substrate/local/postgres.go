package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local/process"
	"github.com/drillrun/drillrun/drills/substrate/stores"
)

func (s *Substrate) newPostgres(ctx context.Context, name string) (*store, error) {
	addr, err := s.host.Port(ctx)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(s.dir, name)
	if err := s.provider.template.copy(ctx, data); err != nil {
		return nil, err
	}
	command, err := postgresCommand(s.provider.postgres, data, addr)
	if err != nil {
		return nil, err
	}
	st := &store{addr: addr, access: stores.Postgres(s.provider.template.password)}
	st.discard = func() error { return s.provider.account.removeSharedMemory(data) }
	st.Process = process.New(s.provider.launcher, process.Spec{
		Name:       name,
		Role:       drills.RolePostgres,
		Command:    command,
		Env:        storeEnv(data),
		Log:        s.log(name),
		Credential: s.provider.account.credential,
		Stop:       syscall.SIGINT,  // fast shutdown: sessions are ended, data written
		Quit:       syscall.SIGQUIT, // immediate shutdown: unlike SIGKILL it ends the backends too
		Grace:      defaultGrace,
		Tree:       true,
	})
	return st, nil
}

func postgresCommand(program, data, addr string) ([]string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	command := []string{program, "-D", data, "-p", port, "-c", "listen_addresses=" + host, "-c", "unix_socket_directories="}
	for _, setting := range stores.PostgresSettings() {
		command = append(command, "-c", setting)
	}
	return command, nil
}

// postmasterLock is what a postmaster leaves in its data folder when it is killed.
const postmasterLock = "postmaster.pid"

// removeSharedMemory removes the System V segment of a postmaster that was
// killed and never started again. The lock file that such a postmaster leaves
// behind names it in its seventh line: key and identifier.
func (a account) removeSharedMemory(data string) error {
	text, err := os.ReadFile(filepath.Join(data, postmasterLock))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the shared memory of Postgres: %w", err)
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 7 || lines[6] == "" {
		return nil // it was killed before it had any
	}
	var key, id int
	if _, err := fmt.Sscan(lines[6], &key, &id); err != nil {
		return fmt.Errorf("find the shared memory of Postgres in %q: %w", lines[6], err)
	}
	var found unix.SysvShmDesc
	if _, err := unix.SysvShmCtl(id, unix.IPC_STAT, &found); err != nil {
		return ignoreRemoved(err)
	}
	// An identifier can be used again, but not by ourselves in this folder.
	if !a.is(found.Perm.Cuid) || found.Nattch != 0 {
		return nil
	}
	_, err = unix.SysvShmCtl(id, unix.IPC_RMID, nil)
	return ignoreRemoved(err)
}

func ignoreRemoved(err error) error {
	if err == nil || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EIDRM) {
		return nil
	}
	return fmt.Errorf("remove the shared memory of Postgres: %w", err)
}
