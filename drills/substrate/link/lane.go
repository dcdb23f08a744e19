package link

import (
	"sync"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// laneToxic is the name under which toxiproxy knows the lane.
const laneToxic = "drillrun_lane"

// lane is one direction of a link: the only toxic in its chain, shared by the
// streams of all its connections. toxiproxy makes it from its zero value.
type lane struct {
	begins *half // of the stream that toxiproxy is told to start; see carry

	mu      sync.Mutex
	now     condition
	changed chan struct{} // closed and replaced with each change
	carried time.Time     // when a limited rate will have carried what was booked
}

var _ toxics.StatefulToxic = (*lane)(nil)

// condition is what a lane does to its streams.
type condition struct {
	heals         uint64 // how often it has been healed
	hole          bool   // nothing passes
	stalled       uint64 // nothing passes on connections up to that number
	delay, jitter time.Duration
	rate          int // bytes a second of all streams together, 0 for any
	size          int // of the largest piece, 0 for any
	apart         time.Duration
	limit         int // bytes after which a stream ends, 0 for none
}

// swallows tells whether nothing of that stream passes.
func (c condition) swallows(s *half) bool { return c.hole || s.number <= c.stalled }

// NewState is called by toxiproxy before each stream begins.
func (l *lane) NewState() any { return l.begins }

func (l *lane) look() (condition, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.now, l.changed
}

func (l *lane) change(f func(*condition)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.now)
	l.carried = time.Time{} // what was booked under another rate delays nobody
	if l.changed != nil {
		close(l.changed)
	}
	l.changed = make(chan struct{})
}

// book has the lane carry so many bytes after all that was booked before, and
// tells when they will have arrived.
func (l *lane) book(bytes, rate int) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.carried.Before(now) {
		l.carried = now
	}
	l.carried = l.carried.Add(time.Duration(bytes) * time.Second / time.Duration(rate))
	return l.carried
}

// Pipe carries one stream from its source to its destination. It watches no
// interrupt because the chain of toxics is never changed.
func (l *lane) Pipe(stub *toxics.ToxicStub) {
	s := stub.State.(*half)
	if now, _ := l.look(); now.swallows(s) {
		l.swallow(stub.Input, s, now, now.hole)
	} else if now, silent := l.pass(stub, s); silent {
		l.swallow(stub.Input, s, now, false)
	}
	stub.Close()
	close(s.over)
	// Whoever still sends must not block on a stream that has ended.
	for range stub.Input {
		continue
	}
}

// swallow passes nothing until the lane is healed or the link cuts the
// connection. The end of a stream is swallowed too, except for one that began
// inside a black hole, from which the other side has never heard anything.
func (l *lane) swallow(input <-chan *stream.StreamChunk, s *half, since condition, fresh bool) {
	for {
		now, changed := l.look()
		if now.heals != since.heals {
			return
		}
		select {
		case c := <-input:
			if c != nil {
				continue
			}
			if fresh {
				return
			}
			input = nil
		case <-s.cut:
			return
		case <-changed:
		}
	}
}
