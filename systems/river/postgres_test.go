package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// startPostgres starts a Postgres of the test's own and returns its URL.
func startPostgres(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err == nil && len(found) == 0 {
		err = errors.New("there is no Postgres below /usr/lib/postgresql: make deps installs it")
	}
	check(t, err)
	bin := filepath.Dir(found[len(found)-1])

	dir, err := os.MkdirTemp("", "river-test-")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	by := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 { // as which Postgres refuses to run
		by.Credential = credential(t, "postgres")
		check(t, os.Chown(dir, int(by.Credential.Uid), int(by.Credential.Gid)))
	}
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(t.Context(), filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, by
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	check(t, listener.Close())

	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", dir, "-F")
	server.Dir, server.SysProcAttr = dir, by
	check(t, server.Start())
	t.Cleanup(func() {
		check(t, server.Process.Signal(os.Interrupt)) // a fast shutdown
		check(t, server.Wait())
	})
	url := fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres", port)
	await(t, "Postgres takes connections", func() bool {
		conn, err := pgx.Connect(t.Context(), url)
		return err == nil && conn.Close(t.Context()) == nil
	})
	return url
}

func credential(t *testing.T, name string) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup(name)
	check(t, err)
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	check(t, err)
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	check(t, err)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
