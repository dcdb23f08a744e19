package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// watchEvery is how often the history is asked whether to abort.
const watchEvery = 100 * time.Millisecond

// errAborted says that the script was broken off because its own condition for
// that was met.
var errAborted = errors.New("aborted")

// watch breaks the script off once the history proves what the drill is to be
// aborted on. The returned function ends the watching.
func (d *Drill) watch(ctx context.Context) (stop func()) {
	if d.cfg.Abort == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := survive(func() error { d.ask(ctx); return nil }); err != nil {
			d.breakOff(fmt.Errorf("ask whether to abort: %w", err))
		}
	}()
	return func() { cancel(); <-done }
}

func (d *Drill) ask(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if proved := d.cfg.Abort(); proved != "" {
				d.breakOff(fmt.Errorf("%w when %s", errAborted, proved))
				return
			}
		}
	}
}
