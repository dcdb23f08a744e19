package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local/process"
)

// postgresSettings are those that do not depend on the substrate. Data must
// survive the crash of a process, not of the machine: what is committed is in
// the kernel's hands, which is all that a process crash asks for.
var postgresSettings = []string{
	"unix_socket_directories=",
	"fsync=off",
	"full_page_writes=off",
	"synchronous_commit=on",
	"max_connections=100",
	"shared_buffers=32MB",
	// Segments in /dev/shm would outlive a SIGKILL.
	"dynamic_shared_memory_type=mmap",
	"huge_pages=off",
	"timezone=UTC",
	"log_timezone=UTC",
	"log_line_prefix=%m [%p] ",
}

func (s *Substrate) newPostgres(ctx context.Context, name string) (*store, error) {
	addr, err := s.host.port(ctx)
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
	st := &store{addr: addr, url: postgresURL(s.provider.template.password)}
	st.connect = func(ctx context.Context) error { return connectPostgres(ctx, st.URL(addr)) }
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
	command := []string{program, "-D", data, "-p", port, "-c", "listen_addresses=" + host}
	for _, setting := range postgresSettings {
		command = append(command, "-c", setting)
	}
	return command, nil
}

func postgresURL(password string) func(addr string) string {
	return func(addr string) string {
		u := url.URL{
			Scheme: "postgres", User: url.UserPassword(superuser, password),
			Host: addr, Path: "/postgres", RawQuery: "sslmode=disable",
		}
		return u.String()
	}
}

func connectPostgres(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
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
