package worker

import (
	"context"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
)

// Slots are the places of a worker, one for each job at once. Only one
// goroutine waits for them and takes them; any may give them back.
type Slots interface {
	// Free waits until a slot is free and returns how many are; none when ctx
	// ends.
	Free(ctx context.Context) int
	// Take takes a slot that Free has counted.
	Take()
	// Give gives a slot back.
	Give()
	// Size is how many there are.
	Size() int
}

// semaphore has one value per slot in use.
type semaphore chan struct{}

// NewSlots returns n slots, all of them free.
func NewSlots(n int) Slots { return make(semaphore, n) }

// gather is how long a busy worker waits for more slots: reading and acquiring
// one entry costs as much as reading and acquiring many.
const gather = time.Millisecond

// Free implements Slots.
func (s semaphore) Free(ctx context.Context) int {
	select {
	case s <- struct{}{}:
		<-s
	case <-ctx.Done():
		return 0
	}
	if cap(s)-len(s) < cap(s)/2 && backoff.Sleep(ctx, gather) != nil {
		return 0
	}
	return cap(s) - len(s)
}

// Take implements Slots.
func (s semaphore) Take() { s <- struct{}{} }

// Give implements Slots.
func (s semaphore) Give() { <-s }

// Size implements Slots.
func (s semaphore) Size() int { return cap(s) }
