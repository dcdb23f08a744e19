package faults

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drillrun/drillrun/drills"
)

// errSilent says that the other side did not answer in time.
var errSilent = errors.New("no answer")

// The questions are answered before anybody has to log in, and each but those
// to Postgres again and again on one connection.
const (
	httpQuestion = "GET /healthz HTTP/1.1\r\nHost: probe\r\n\r\n"
	httpFarewell = "GET /healthz HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n"
	// Redis closes on strangers who have it say much more than they do.
	redisQuestion = "PING as-long-as-a-refusal-of-it.\r\n"
	redisFarewell = "QUIT\r\n"
	// Postgres is asked for TLS, and after that for encryption by GSSAPI.
	postgresQuestion       = "\x00\x00\x00\x08\x04\xd2\x16\x2f"
	postgresSecondQuestion = "\x00\x00\x00\x08\x04\xd2\x16\x30"
)

const (
	// longestQuestion is below what Postgres takes from strangers.
	longestQuestion = 9 << 10
	// shortAnswer is more than there is in the answer to a short question.
	shortAnswer = 4 << 10
)

// question is a short one.
func question(role drills.Role) string {
	switch role {
	case drills.RolePostgres:
		return postgresQuestion
	case drills.RoleRedis:
		return redisQuestion
	}
	return httpQuestion
}

// secondQuestion may follow the short one on the same connection.
func secondQuestion(role drills.Role) string {
	if role == drills.RolePostgres {
		return postgresSecondQuestion
	}
	return question(role)
}

// longQuestion has so many bytes at least, and so has its answer, after which
// the other side closes: it has heard and said everything then.
func longQuestion(role drills.Role, bytes int) string {
	switch role {
	case drills.RolePostgres:
		return unknownOption(bytes)
	case drills.RoleRedis:
		return strings.Repeat(redisQuestion, bytes/len(redisQuestion)+1) + redisFarewell
	}
	return strings.Repeat(httpQuestion, bytes/len(httpQuestion)+1) + httpFarewell
}

// unknownOption asks Postgres for an option of the protocol that it does not
// know, and whose name it therefore gives back before it refuses to go on
// without the name of a user.
func unknownOption(bytes int) string {
	const before, after = "\x00\x03\x00\x00_pq_.", "\x00on\x00\x00"
	name := strings.Repeat("x", max(bytes-len(before)-len(after), 1))
	message := before + name + after
	return string(binary.BigEndian.AppendUint32(nil, uint32(4+len(message)))) + message
}

// probe asks a short question on a connection of its own. It returns errSilent
// where that came about and no answer did.
func probe(ctx context.Context, addr string, role drills.Role, limit time.Duration) error {
	return converse(ctx, addr, limit, func(conn net.Conn) error { return ask(conn, question(role)) })
}

// probeWith sends so many bytes in each direction, on as many connections as
// that takes.
func probeWith(ctx context.Context, addr string, role drills.Role, bytes int, limit time.Duration) error {
	var all errgroup.Group
	for left := bytes; left > 0; left -= longestQuestion {
		all.Go(survive(func() error {
			return converse(ctx, addr, limit, func(conn net.Conn) error { return askAtLength(conn, role, min(left, longestQuestion)) })
		}))
	}
	return all.Wait()
}

func converse(ctx context.Context, addr string, limit time.Duration, talk func(net.Conn) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := dial(ctx, addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return talk(conn)
}

// dial connects until the deadline of ctx, by which the connection must have
// served its purpose too.
func dial(ctx context.Context, addr string) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, errors.Join(fmt.Errorf("set deadline: %w", err), conn.Close())
	}
	return conn, nil
}

// ask wants an answer to a short question. It comes in one piece, of which
// nothing is left to be taken for a later one.
func ask(conn net.Conn, question string) error {
	if _, err := io.WriteString(conn, question); err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	_, err := conn.Read(make([]byte, shortAnswer))
	return unheard(err)
}

func askAtLength(conn net.Conn, role drills.Role, bytes int) error {
	if _, err := io.WriteString(conn, longQuestion(role, bytes)); err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	n, err := io.Copy(io.Discard, conn)
	if err == nil && n < int64(bytes) {
		err = io.ErrUnexpectedEOF
	}
	return unheard(err)
}

// unheard says why an answer was not, or not in full.
func unheard(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSilent
	case err != nil:
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}
