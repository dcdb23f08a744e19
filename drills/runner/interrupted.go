package runner

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/drillrun/drillrun/drills/history"
)

// lastLine follows which line of the script was begun last; 0 for none.
func lastLine(log *history.Log) (line func() int, forget func()) {
	var last atomic.Int64
	forget = log.Observe(func(e *history.Event) {
		if e.Op != history.OpStep || e.Phase != history.Invoke {
			return
		}
		if step, err := history.Decode[history.Step](e); err == nil {
			last.Store(int64(step.Line))
		}
	})
	return func() int { return int(last.Load()) }, forget
}

// interruptedAt says what ended a drill before its time, and where it was.
func interruptedAt(ctx context.Context, line int) string {
	if line == 0 {
		return fmt.Sprintf("%v before the first step", context.Cause(ctx))
	}
	return fmt.Sprintf("%v at line %d", context.Cause(ctx), line)
}
