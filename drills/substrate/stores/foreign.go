package stores

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"

	"github.com/drillrun/drillrun/drills"
)

// startingUp is what Postgres answers while it recovers.
const startingUp = "57P03"

// Foreign is how a store is reached that somebody else has set up: by a URL that
// names it by an address of his; or, without one, as far as a stranger gets, to
// whom a store that takes connections says that it does not know him. It is
// [drills.ErrUnsupported] for roles whose ways are not known.
func Foreign(role drills.Role, known string) (Access, error) {
	u, err := url.Parse(known)
	if err != nil {
		return Access{}, errors.New("the URL of the store is none") // which may hold a password
	}
	at := func(addr string) string {
		its := *u
		its.Host = addr
		return its.String()
	}
	switch {
	case role == drills.RolePostgres && known == "":
		return Access{Connect: knockAtPostgres}, nil
	case role == drills.RolePostgres:
		return Access{URL: at, Connect: func(ctx context.Context, addr string) error {
			conn, err := pgx.Connect(ctx, at(addr))
			if err != nil {
				return err
			}
			return conn.Close(ctx)
		}}, nil
	case role == drills.RoleRedis && known == "":
		return Access{Connect: knockAtRedis}, nil
	case role == drills.RoleRedis:
		return Access{URL: at, Connect: func(ctx context.Context, addr string) error {
			options, err := redis.ParseURL(at(addr))
			if err != nil {
				return err
			}
			client := redis.NewClient(options)
			return errors.Join(client.Ping(ctx).Err(), client.Close())
		}}, nil
	}
	return Access{}, fmt.Errorf("a %s: %w", role, drills.ErrUnsupported)
}

// knockAtPostgres wants a server that judges who may come in.
func knockAtPostgres(ctx context.Context, addr string) error {
	conn, err := pgx.Connect(ctx, "postgres://drillrun@"+addr+"/postgres?sslmode=prefer")
	refusal, refused := errors.AsType[*pgconn.PgError](err)
	switch {
	case refused && refusal.Code != startingUp:
		return nil
	case err != nil:
		return err
	}
	return conn.Close(ctx)
}

// knockAtRedis wants a server that answers, if only that it wants a password.
func knockAtRedis(ctx context.Context, addr string) (err error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(answer, "+PONG") && !strings.HasPrefix(answer, "-NOAUTH") {
		err = fmt.Errorf("redis answered %q", strings.TrimSpace(answer))
	}
	return err
}
