package link

import (
	"sync"

	"github.com/drillrun/drillrun/drills"
)

// trouble tells what a link failed to do for want of the harness's own resources.
type trouble struct {
	mu   sync.Mutex
	tell func(what string, err error) // nil while nobody listens
	told map[string]error             // what was met until then, the first of each kind
}

// meet tells an error, unless it is the doing of the two ends.
func (t *trouble) meet(what string, err error) {
	if !drills.Short(err) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tell != nil {
		t.tell(what, err)
		return
	}
	if t.told == nil {
		t.told = map[string]error{}
	}
	if t.told[what] == nil {
		t.told[what] = err
	}
}

var _ drills.Troubled = (*Link)(nil)

// OnTrouble implements drills.Troubled.
func (l *Link) OnTrouble(tell func(what string, err error)) {
	l.trouble.mu.Lock()
	defer l.trouble.mu.Unlock()
	l.trouble.tell = tell
	for what, err := range l.trouble.told {
		tell(what, err)
	}
	l.trouble.told = nil
}
