package docker

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/testcontainers/testcontainers-go"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/stores"
)

const (
	postgresPort = 5432
	redisPort    = 6379
	// redisConfig is where the configuration of Redis lies in its container.
	redisConfig = "/etc/drillrun-redis.conf"
	// storeGrace is how long a store may take to end when it is asked to.
	storeGrace = 10 * time.Second
)

// store is a Postgres or a Redis.
type store struct {
	*container
	port   uint16
	access stores.Access
}

var _ drills.Store = (*store)(nil)

// newPostgres relies on what the official image promises of its environment.
func (s *Substrate) newPostgres(ctx context.Context, name string) (*store, error) {
	password := stores.NewPassword()
	command := []string{"postgres"}
	for _, setting := range stores.PostgresSettings() {
		command = append(command, "-c", setting)
	}
	return s.newStore(ctx, stores.Postgres(password), postgresPort, containerSpec{
		name: name, role: drills.RolePostgres, image: s.provider.postgres, command: command,
		env: []string{
			"POSTGRES_USER=" + stores.Superuser, "POSTGRES_PASSWORD=" + password, "POSTGRES_DB=postgres",
			"POSTGRES_INITDB_ARGS=--no-sync --no-locale --encoding=UTF8",
		},
		data: "/var/lib/postgresql/data",
		stop: syscall.SIGINT, // fast shutdown: sessions are ended, data written
	})
}

func (s *Substrate) newRedis(ctx context.Context, name string) (*store, error) {
	password := stores.NewPassword()
	return s.newStore(ctx, stores.Redis(password), redisPort, containerSpec{
		name: name, role: drills.RoleRedis, image: s.provider.redis, command: []string{"redis-server", redisConfig},
		files: []testcontainers.ContainerFile{{
			Reader:            strings.NewReader(stores.RedisConfig("", fmt.Sprint(redisPort), "/data", password)),
			ContainerFilePath: redisConfig, FileMode: 0o444,
		}},
		data: "/data",
		stop: syscall.SIGTERM,
	})
}

func (s *Substrate) newStore(ctx context.Context, access stores.Access, port uint16, spec containerSpec) (*store, error) {
	addr, err := s.host.Port(ctx)
	if err != nil {
		return nil, err
	}
	spec.ports = map[uint16]string{port: addr}
	spec.grace = storeGrace
	return &store{container: s.newContainer(spec), port: port, access: access}, nil
}

// Addr is the host:port at which its port is published.
func (s *store) Addr() string { return s.spec.ports[s.port] }

// URL is what a client dials that reaches the store at addr.
func (s *store) URL(addr string) string { return s.access.URL(addr) }

// Start starts the store on its data as they are and returns once it takes
// connections.
func (s *store) Start(ctx context.Context) error {
	r, err := s.start(ctx)
	if err != nil {
		return err
	}
	if err := s.access.AwaitReady(ctx, s.Addr(), r.ended); err != nil {
		return s.withLastWords(ctx, fmt.Errorf("start %s: %w", s.spec.name, err))
	}
	return nil
}
