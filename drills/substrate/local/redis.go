package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local/process"
)

// redisConfig takes host, port, folder and password. It is a file because
// everybody can read arguments.
const redisConfig = `bind %s
port %s
dir %s
requirepass %s
protected-mode yes
daemonize no
save ""
appendonly yes
appendfsync everysec
`

func (s *Substrate) newRedis(ctx context.Context, name string) (*store, error) {
	addr, err := s.host.port(ctx)
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	data, password := filepath.Join(s.dir, name), newPassword()
	config := filepath.Join(data, "redis.conf")
	if err := s.provider.account.mkdir(data); err != nil {
		return nil, err
	}
	if err := s.provider.account.write(config, fmt.Sprintf(redisConfig, host, port, data, password)); err != nil {
		return nil, err
	}
	return &store{
		addr:    addr,
		url:     redisURL(password),
		connect: func(ctx context.Context) error { return pingRedis(ctx, addr, password) },
		Process: process.New(s.provider.launcher, process.Spec{
			Name:       name,
			Role:       drills.RoleRedis,
			Command:    []string{s.provider.redis, config},
			Env:        storeEnv(data),
			Log:        s.log(name),
			Credential: s.provider.account.credential,
			Stop:       syscall.SIGTERM,
			Quit:       syscall.SIGKILL,
			Grace:      defaultGrace,
		}),
	}, nil
}

func redisURL(password string) func(addr string) string {
	return func(addr string) string {
		return (&url.URL{Scheme: "redis", User: url.UserPassword("", password), Host: addr, Path: "/0"}).String()
	}
}

// pingRedis succeeds once Redis has loaded its data; until then it answers
// LOADING.
func pingRedis(ctx context.Context, addr, password string) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return errors.Join(converse(ctx, conn, password), conn.Close())
}

func converse(ctx context.Context, conn net.Conn, password string) error {
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(conn, "AUTH "+password+"\r\nPING\r\n"); err != nil {
		return err
	}
	replies := bufio.NewReader(conn)
	for _, want := range []string{"+OK", "+PONG"} {
		got, err := replies.ReadString('\n')
		if err != nil {
			return err
		}
		if got = strings.TrimSpace(got); got != want {
			return fmt.Errorf("redis answered %q", got)
		}
	}
	return nil
}
