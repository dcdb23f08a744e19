package link

import (
	"sync"
	"time"
)

// linger is how long a chunk waits to be taken once the other direction of its
// connection is over.
const linger = time.Second

// half is what the stream of one direction of a connection knows of the rest.
//
// toxiproxy closes a connection whose peer has gone, but does not tell the
// streams: the one that still holds bytes for that peer would offer them for
// ever. It can only conclude that they are for nobody: because the direction
// that comes from the peer is over and they are not taken either, or because
// the proxy has closed all connections.
type half struct {
	cuts    uint64          // as it began
	over    chan struct{}   // closed when this direction has ended
	reverse <-chan struct{} // closed when the other one has
}

// pairs joins the two streams of each connection. toxiproxy asks for their
// states one after the other in its accept loop.
type pairs struct {
	mu    sync.Mutex
	after *half // of the connection whose first stream has begun
}

func (p *pairs) next(cuts uint64) *half {
	p.mu.Lock()
	defer p.mu.Unlock()
	if second := p.after; second != nil {
		p.after = nil
		return second
	}
	there, back := make(chan struct{}), make(chan struct{})
	p.after = &half{cuts: cuts, over: back, reverse: there}
	return &half{cuts: cuts, over: there, reverse: back}
}

// NewState is called by toxiproxy before each stream begins.
func (l *lane) NewState() any {
	now, _ := l.look()
	return l.pairs.next(now.cuts)
}
