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
)

// RedisConfig is the text of a configuration file: a file because everybody can
// read arguments. An empty host is every address that there is. Every write is
// in the kernel's hands before it is answered, which is all that the crash of a
// process asks for; waiting for a disk that is slow would only blur the drills.
func RedisConfig(host, port, dir, password string) string {
	if host == "" {
		host = "*"
	}
	return fmt.Sprintf(`bind %s
port %s
dir "%s"
requirepass %s
protected-mode yes
daemonize no
save ""
appendonly yes
appendfsync no
`, host, port, quoted.Replace(dir), password)
}

// quoted is how Redis reads, between quotes, what would end them or the line.
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`)

// Redis is how a Redis with that password is reached. It does not take
// connections before it has loaded its data: until then it answers LOADING.
func Redis(password string) Access {
	return Access{
		URL: func(addr string) string {
			return (&url.URL{Scheme: "redis", User: url.UserPassword("", password), Host: addr, Path: "/0"}).String()
		},
		Connect: func(ctx context.Context, addr string) error {
			var dialer net.Dialer
			conn, err := dialer.DialContext(ctx, "tcp", addr)
			if err != nil {
				return err
			}
			return errors.Join(converse(ctx, conn, password), conn.Close())
		},
	}
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
