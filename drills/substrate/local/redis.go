package local

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local/process"
	"github.com/drillrun/drillrun/drills/substrate/stores"
)

func (s *Substrate) newRedis(ctx context.Context, name string) (*store, error) {
	addr, err := s.host.Port(ctx)
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	data, password := filepath.Join(s.dir, name), stores.NewPassword()
	config := filepath.Join(data, "redis.conf")
	if err := s.provider.account.mkdir(data); err != nil {
		return nil, err
	}
	if err := s.provider.account.write(config, stores.RedisConfig(host, port, data, password)); err != nil {
		return nil, err
	}
	return &store{
		addr:   addr,
		access: stores.Redis(password),
		Process: process.New(s.provider.launcher, process.Spec{
			Name:       name,
			Role:       drills.RoleRedis,
			Command:    []string{s.provider.redis, literal(config)},
			Env:        storeEnv(data),
			Log:        s.log(name),
			Credential: s.provider.account.credential,
			Stop:       syscall.SIGTERM,
			Quit:       syscall.SIGKILL,
			Grace:      defaultGrace,
		}),
	}, nil
}

// literal is a path as Redis takes that of its configuration: for a pattern, where it
// has a sign of one.
func literal(path string) string {
	if !strings.ContainsAny(path, "*?[") {
		return path
	}
	return strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`).Replace(path)
}
