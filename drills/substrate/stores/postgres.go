package stores

import (
	"context"
	"net/url"

	"github.com/jackc/pgx/v5"
)

// Superuser is the Postgres role that systems and harness connect as.
const Superuser = "drillrun"

// PostgresSettings are those that do not depend on the substrate. Data must
// survive the crash of a process, not of the machine: what is committed is in
// the kernel's hands, which is all that a process crash asks for.
func PostgresSettings() []string {
	return []string{
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
}

// Postgres is how a Postgres with that password is reached.
func Postgres(password string) Access {
	address := func(addr string) string {
		u := url.URL{
			Scheme: "postgres", User: url.UserPassword(Superuser, password),
			Host: addr, Path: "/postgres", RawQuery: "sslmode=disable",
		}
		return u.String()
	}
	return Access{URL: address, Connect: func(ctx context.Context, addr string) error {
		conn, err := pgx.Connect(ctx, address(addr))
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	}}
}
