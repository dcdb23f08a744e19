package link

import (
	"net"
	"sync/atomic"
)

// connection is one connection of a replica, together with the one to the
// dependency that carries it on.
type connection struct {
	number           uint64 // counts the connections of its proxy, from 1
	client, upstream *net.TCPConn
	cut              chan struct{} // closed when the link itself has ended it
	open             atomic.Int32  // ends that toxiproxy has not closed yet
	forget           func()        // called once it has closed both
}

func newConnection(number uint64, client, upstream *net.TCPConn, forget func()) *connection {
	c := &connection{number: number, client: client, upstream: upstream, cut: make(chan struct{}), forget: forget}
	c.open.Store(2)
	return c
}

// halves are what the two streams of the connection know of each other.
func (c *connection) halves() (requests, replies *half) {
	there, back := make(chan struct{}), make(chan struct{})
	return &half{connection: c, over: there, reverse: back}, &half{connection: c, over: back, reverse: there}
}

// end closes the connection on both sides: the peers read all that was written
// to them, and then its end.
func (c *connection) end() {
	hangUp(c.client)
	hangUp(c.upstream)
	close(c.cut)
}

// reset aborts the connection on both sides, at the cost of what its peers
// have not read yet. Both are told so first, because toxiproxy closes the one
// as soon as it sees the end of the other.
func (c *connection) reset() {
	closeWithReset(c.client)
	closeWithReset(c.upstream)
	c.end()
}

// closeWithReset has a connection close with a RST in place of a FIN. It fails
// only where the connection is closed already.
func closeWithReset(conn *net.TCPConn) { _ = conn.SetLinger(0) }

// hangUp closes what a peer may have broken already, which is no failure of
// the link's.
func hangUp(conn *net.TCPConn) { _ = conn.Close() }

// side is one end of a connection, as toxiproxy writes to it and closes it.
type side struct {
	*net.TCPConn
	of *connection
}

func (s side) Close() error {
	err := s.TCPConn.Close()
	if s.of.open.Add(-1) == 0 {
		s.of.forget()
	}
	return err
}

// half is what the stream of one direction of a connection knows of the rest.
//
// toxiproxy closes a connection whose peer has gone, but does not tell the
// streams: the one that still holds bytes for that peer would offer them for
// ever. It can only conclude that they are for nobody: because the direction
// that comes from the peer is over and they are not taken either, or because
// the link has cut the connection.
type half struct {
	*connection
	over    chan struct{}   // closed when this direction has ended
	reverse <-chan struct{} // closed when the other one has
}
