package faults

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// greetings make the other side answer before anybody has to log in: Postgres
// a request for TLS, Redis a ping, all others a request for their health.
var greetings = map[drills.Role]string{
	drills.RolePostgres: "\x00\x00\x00\x08\x04\xd2\x16\x2f",
	drills.RoleRedis:    "PING\r\n",
}

const httpGreeting = "GET /healthz HTTP/1.0\r\n\r\n"

// errSilent says that the other side did not answer in time.
var errSilent = errors.New("no answer")

// probe connects to an address and waits for the first byte of an answer. It
// returns errSilent where the connection came about and nothing came back.
func probe(ctx context.Context, addr string, role drills.Role, limit time.Duration) (err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	deadline, _ := ctx.Deadline() // it has one: it was made above
	if err := conn.SetDeadline(deadline); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	greeting, ok := greetings[role]
	if !ok {
		greeting = httpGreeting
	}
	if _, err := conn.Write([]byte(greeting)); err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	_, err = conn.Read(make([]byte, 1))
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return errSilent
	}
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}
