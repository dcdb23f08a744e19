package teststores

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// Stores are a test binary's servers. Make them in TestMain.
type Stores struct {
	starter   starter
	databases atomic.Int64
	cluster   func() (*Postgres, error)
}

// Run is what TestMain calls: it runs the tests with stores at hand, removes
// the stores and then looks for what was left behind, unless the tests failed.
func Run(run func(*Stores) int, leftovers func() error) (code int) {
	s := &Stores{starter: newStarter()}
	var started *Postgres
	s.cluster = sync.OnceValues(func() (*Postgres, error) {
		var err error
		started, err = s.startPostgres()
		return started, err
	})
	code = run(s)
	var err error
	if started != nil {
		err = started.remove()
	}
	close(s.starter)
	if err == nil && code == 0 {
		err = leftovers()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// Database returns the URL of a new, empty database in the binary's cluster.
func (s *Stores) Database(t TB) string {
	t.Helper()
	p, err := s.cluster()
	if err != nil {
		t.Fatalf("start Postgres: %v", err)
	}
	name := "test_" + strconv.FormatInt(s.databases.Add(1), 10)
	if err := p.exec("CREATE DATABASE " + name); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if err := p.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Fatalf("drop database: %v", err)
		}
	})
	return p.url(name)
}

// Postgres is a cluster that a test may stop and start.
type Postgres struct {
	starter starter
	dir     string
	port    int
	process *process
}

// Postgres starts a cluster for this test alone.
func (s *Stores) Postgres(t TB) *Postgres {
	t.Helper()
	p, err := s.startPostgres()
	if err != nil {
		t.Fatalf("start Postgres: %v", err)
	}
	t.Cleanup(func() {
		if err := p.remove(); err != nil {
			t.Fatalf("remove Postgres: %v", err)
		}
	})
	return p
}

func (s *Stores) startPostgres() (*Postgres, error) {
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	p := &Postgres{starter: s.starter, dir: dir}
	if err := errors.Join(p.init(), p.Start()); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return p, nil
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

func (p *Postgres) init() (err error) {
	if p.port, err = freePort(); err != nil {
		return err
	}
	initdb, err := program("initdb")
	if err != nil {
		return err
	}
	cmd := exec.Command(initdb, "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale", "-D", p.data())
	if cmd.SysProcAttr, err = attributes(0); err != nil {
		return err
	}
	cmd.Dir = p.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// Start starts the cluster, on the same port as ever.
func (p *Postgres) Start() error {
	postgres, err := program("postgres")
	if err != nil {
		return err
	}
	cmd := exec.Command(postgres, "-D", p.data(), "-p", strconv.Itoa(p.port), "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=200", "-c", "log_min_messages=fatal")
	if cmd.SysProcAttr, err = attributes(syscall.SIGQUIT); err != nil {
		return err
	}
	cmd.Dir = p.dir
	if p.process, err = p.starter.start(cmd); err != nil {
		return err
	}
	return p.process.await(func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, p.URL())
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
}

// Stop stops the cluster at once; clients see their sessions end.
func (p *Postgres) Stop() error { return p.process.stop(syscall.SIGINT) }

func (p *Postgres) remove() error {
	return errors.Join(p.process.stop(syscall.SIGQUIT), os.RemoveAll(p.dir))
}

// URL is that of the cluster's first database.
func (p *Postgres) URL() string { return p.url("postgres") }

func (p *Postgres) url(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", p.port, database)
}

func (p *Postgres) exec(sql string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, p.URL())
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// Redis is a server that a test may stop and start. It forgets everything when
// it stops.
type Redis struct {
	starter starter
	dir     string
	port    int
	process *process
}

// Redis starts a server for this test alone.
func (s *Stores) Redis(t TB) *Redis {
	t.Helper()
	dir, err := folder()
	if err != nil {
		t.Fatalf("start Redis: %v", err)
	}
	r := &Redis{starter: s.starter, dir: dir}
	if r.port, err = freePort(); err != nil {
		t.Fatalf("start Redis: %v", err)
	}
	if err := r.Start(); err != nil {
		t.Fatalf("start Redis: %v", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(r.process.stop(syscall.SIGKILL), os.RemoveAll(dir)); err != nil {
			t.Fatalf("remove Redis: %v", err)
		}
	})
	return r
}

// Start starts the server, on the same port as ever.
func (r *Redis) Start() error {
	server, err := program("redis-server")
	if err != nil {
		return err
	}
	cmd := exec.Command(server, "--port", strconv.Itoa(r.port), "--bind", "127.0.0.1", "--save", "", "--dir", r.dir)
	if cmd.SysProcAttr, err = attributes(syscall.SIGKILL); err != nil {
		return err
	}
	if r.process, err = r.starter.start(cmd); err != nil {
		return err
	}
	o, err := redis.ParseURL(r.URL())
	if err != nil {
		return err
	}
	client := redis.NewClient(o)
	err = r.process.await(func(ctx context.Context) error { return client.Ping(ctx).Err() })
	return errors.Join(err, client.Close())
}

// Stop ends the server, and its data with it.
func (r *Redis) Stop() error { return r.process.stop(syscall.SIGKILL) }

// URL is the server's.
func (r *Redis) URL() string { return fmt.Sprintf("redis://127.0.0.1:%d/0", r.port) }
