package link

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// laneToxic is the name under which toxiproxy knows the lane.
const laneToxic = "drillrun_lane"

// maxLate is how many bytes of one stream wait for their time before the
// sender is slowed down.
const maxLate = 4 << 20

// lane is one direction of a link: the only toxic in its chain, shared by the
// streams of all its connections. toxiproxy makes it from its zero value.
type lane struct {
	pairs *pairs

	mu      sync.Mutex
	now     condition
	changed chan struct{} // closed and replaced with each change
}

var _ toxics.StatefulToxic = (*lane)(nil)

// condition is what a lane does to its streams.
type condition struct {
	hole          uint64 // number of the black hole in force, 0 for none
	delay, jitter time.Duration
	cuts          uint64 // how often all connections were closed
	shut          bool   // the link ends, and so does every stream
}

// ends tells whether a stream must end although its source has not.
func (c condition) ends(s *half) bool { return c.shut || c.cuts != s.cuts }

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
	if l.changed != nil {
		close(l.changed)
	}
	l.changed = make(chan struct{})
}

// Pipe carries one stream from its source to its destination. It watches no
// interrupt because the chain of toxics is never changed.
func (l *lane) Pipe(stub *toxics.ToxicStub) {
	s := stub.State.(*half)
	if now, _ := l.look(); now.hole != 0 {
		l.swallow(stub.Input, s, now.hole, true)
	} else if hole := l.pass(stub, s); hole != 0 {
		l.swallow(stub.Input, s, hole, false)
	}
	stub.Close()
	close(s.over)
	// Whoever still sends must not block on a stream that has ended.
	for range stub.Input {
		continue
	}
}

// chunk is a piece of a stream, or its end, waiting for its time.
type chunk struct {
	*stream.StreamChunk           // nil for the end of the stream
	at                  time.Time // when it came in
	luck                float64   // share of the jitter, -1 to 1
}

func (c chunk) due(now condition) time.Time {
	return c.at.Add(now.delay + time.Duration(c.luck*float64(now.jitter)))
}

func (c chunk) size() int {
	if c.StreamChunk == nil {
		return 0
	}
	return len(c.Data)
}

// pass hands chunks on, each when it is due and in order, until the stream
// ends, the link ends or a black hole opens, whose number it returns.
func (l *lane) pass(stub *toxics.ToxicStub, s *half) (hole uint64) {
	var late []chunk
	held, input, reverse := 0, stub.Input, s.reverse
	for {
		now, changed := l.look()
		if now.ends(s) {
			return 0
		}
		if now.hole != 0 {
			return now.hole
		}
		var (
			in     = input
			out    chan<- *stream.StreamChunk
			head   *stream.StreamChunk
			wake   <-chan time.Time
			giveUp <-chan time.Time
		)
		if len(late) > 0 {
			if wait := time.Until(late[0].due(now)); wait > 0 {
				wake = time.After(wait)
			} else if head = late[0].StreamChunk; head == nil {
				return 0
			} else {
				out = stub.Output
				if reverse == nil {
					giveUp = time.After(linger)
				}
			}
			// Without latency nothing may pile up here: a peer that does not
			// read must slow down the sender as it would without a proxy.
			if now.delay == 0 && now.jitter == 0 || held >= maxLate {
				in = nil
			}
		}
		select {
		case c := <-in:
			next := chunk{StreamChunk: c, at: time.Now(), luck: 2*rand.Float64() - 1}
			late, held = append(late, next), held+next.size()
			if c == nil {
				input = nil
			}
		case out <- head:
			held -= late[0].size()
			late = late[1:]
		case <-reverse:
			reverse = nil
		case <-giveUp:
			return 0
		case <-wake:
		case <-changed:
		}
	}
}

// swallow passes nothing until the black hole is healed or the link ends.
// The end of a stream is swallowed too, except for one that began inside the
// black hole, from which the other side has never heard anything.
func (l *lane) swallow(input <-chan *stream.StreamChunk, s *half, hole uint64, fresh bool) {
	for {
		now, changed := l.look()
		if now.hole != hole || now.ends(s) {
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
		case <-changed:
		}
	}
}
