package recovery

import "time"

// second is how long a system must be well to be called steady.
const second = time.Second

// window is the operations that ended of late.
type window struct {
	ops  []op
	from int // ops before it are gone
	bad  int // not acknowledged
}

type op struct {
	at time.Duration
	ok bool
}

func (w *window) add(at time.Duration, ok bool) {
	w.ops = append(w.ops, op{at, ok})
	if !ok {
		w.bad++
	}
}

// after drops the operations that ended at that time or before.
func (w *window) after(at time.Duration) {
	for ; w.from < len(w.ops) && w.ops[w.from].at <= at; w.from++ {
		if !w.ops[w.from].ok {
			w.bad--
		}
	}
	if w.from > len(w.ops)/2 {
		w.ops = append(w.ops[:0], w.ops[w.from:]...)
		w.from = 0
	}
}

func (w *window) empty() bool { return w.from == len(w.ops) }

// steady says whether 99 % of them were acknowledged, and one at least.
func (w *window) steady() bool {
	return !w.empty() && 100*w.bad <= len(w.ops)-w.from
}
