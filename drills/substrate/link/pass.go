package link

import (
	"math/rand/v2"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

const (
	// maxLate is how many bytes of one stream wait for their time before the
	// sender is slowed down.
	maxLate = 4 << 20
	// linger is how long a piece waits to be taken once the other direction of
	// its connection is over.
	linger = time.Second
	// grains is in how many pieces a limited rate carries the bytes of a second.
	grains = 100
)

// pass hands on what comes in, in order and each piece when its time has come,
// until the stream or the connection ends. silent says that nothing of it
// passes any more, under the condition that is returned.
func (l *lane) pass(stub *toxics.ToxicStub, s *half) (now condition, silent bool) {
	var f flow
	input, reverse := stub.Input, s.reverse
	for {
		now, changed := l.look()
		if now.swallows(s) {
			return now, true
		}
		f.under(now)
		if f.spent(now) {
			return now, false
		}
		var (
			in     = input
			out    chan<- *stream.StreamChunk
			piece  *stream.StreamChunk
			wake   <-chan time.Time
			giveUp <-chan time.Time
		)
		if len(f.late) > 0 {
			if wait := f.wait(l, now); wait > 0 {
				wake = time.After(wait)
			} else if piece = f.piece(now); piece == nil {
				return now, false
			} else {
				out = stub.Output
				if reverse == nil {
					giveUp = time.After(linger)
				}
			}
			// Without latency nothing may pile up here: a peer that does not
			// read must slow down the sender as it would without a proxy.
			if now.delay == 0 && now.jitter == 0 || f.held >= maxLate {
				in = nil
			}
		}
		select {
		case c := <-in:
			f.add(c)
			if c == nil {
				input = nil
			}
		case out <- piece:
			f.sent(len(piece.Data), now)
		case <-reverse:
			reverse = nil
		case <-giveUp:
			return now, false
		case <-s.cut:
			return now, false
		case <-wake:
		case <-changed:
			f.slot = time.Time{}
		}
	}
}

// flow is what a stream holds back, and how far it is.
type flow struct {
	late   []chunk
	held   int       // bytes in late
	after  time.Time // which no piece may pass before: the slices are apart
	slot   time.Time // when a limited rate has carried the next piece
	heals  uint64    // of the lane when it last looked
	passed int       // bytes since a limit is in force
}

// chunk is a part of a stream, or its end, waiting for its time.
type chunk struct {
	*stream.StreamChunk           // nil for the end of the stream
	at                  time.Time // when it came in
	luck                float64   // share of the jitter, -1 to 1
}

func (c chunk) due(now condition) time.Time {
	return c.at.Add(now.delay + time.Duration(c.luck*float64(now.jitter)))
}

func (f *flow) add(c *stream.StreamChunk) {
	f.late = append(f.late, chunk{StreamChunk: c, at: time.Now(), luck: 2*rand.Float64() - 1})
	if c != nil {
		f.held += len(c.Data)
	}
}

// under forgets what an earlier limit has counted.
func (f *flow) under(now condition) {
	if now.limit == 0 || now.heals != f.heals {
		f.passed, f.heals = 0, now.heals
	}
}

func (f *flow) spent(now condition) bool { return now.limit > 0 && f.passed >= now.limit }

// wait is the time until the next piece may pass. A piece books its share of a
// limited rate when nothing else holds it back.
func (f *flow) wait(l *lane, now condition) time.Duration {
	at := f.late[0].due(now)
	if now.size > 0 && f.after.After(at) {
		at = f.after
	}
	if wait := time.Until(at); wait > 0 || now.rate == 0 {
		return wait
	}
	if f.slot.IsZero() {
		f.slot = l.book(f.next(now), now.rate)
	}
	return time.Until(f.slot)
}

// next is the size of the next piece.
func (f *flow) next(now condition) int {
	head := f.late[0].StreamChunk
	if head == nil {
		return 0
	}
	n := len(head.Data)
	if now.size > 0 {
		n = min(n, now.size)
	}
	if now.rate > 0 {
		n = min(n, max(now.rate/grains, 1))
	}
	if now.limit > 0 {
		n = min(n, now.limit-f.passed)
	}
	return n
}

// piece is what passes next, nil for the end of the stream.
func (f *flow) piece(now condition) *stream.StreamChunk {
	head := f.late[0].StreamChunk
	if head == nil {
		return nil
	}
	return &stream.StreamChunk{Data: head.Data[:f.next(now)], Timestamp: head.Timestamp}
}

// sent says that so many bytes have passed.
func (f *flow) sent(n int, now condition) {
	head := f.late[0].StreamChunk
	head.Data = head.Data[n:]
	if len(head.Data) == 0 {
		f.late = f.late[1:]
	}
	f.held -= n
	f.passed += n
	f.slot, f.after = time.Time{}, time.Now().Add(now.apart)
}
