package postgres

import (
	"crypto/tls"
	"errors"
	"net"
	"syscall"
)

// untouched says whether an idle connection's server has kept silent: it has
// neither hung up nor said why it is about to. It costs one system call and no
// round trip, and sees no black hole.
//
// It looks through Control, which never waits. Read would wait for any read that
// is pending on the socket, and pgx leaves one behind after a slow write.
func untouched(conn net.Conn) bool {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return true // nothing is known of it; using it will tell
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	silent := false
	err = raw.Control(func(fd uintptr) {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		silent = errors.Is(err, syscall.EAGAIN)
	})
	return err == nil && silent
}
