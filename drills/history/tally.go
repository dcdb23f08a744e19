package history

import "sync"

// tallyLimit bounds the kinds that a [Tally] tells apart: what somebody outside
// makes up must not fill a history. All others are one kind more.
const tallyLimit = 100

// Tally counts what happens again and again, by kind, for a record that need not
// have each of them. It is safe for concurrent use.
type Tally struct {
	mu     sync.Mutex
	counts map[string]int
}

// Add counts one more of the kind and says whether it is to be written down: the
// first is, and then each that has doubled their number.
func (t *Tally) Add(kind string) (count int, tell bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	if t.counts[kind] == 0 && len(t.counts) >= tallyLimit {
		kind = ""
	}
	t.counts[kind]++
	count = t.counts[kind]
	return count, count&(count-1) == 0
}
