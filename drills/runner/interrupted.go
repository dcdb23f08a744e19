package runner

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

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

// tooLong says that a drill did not end within its time.
type tooLong struct{ limit time.Duration }

func (e *tooLong) Error() string { return fmt.Sprintf("the drill took longer than %v", e.limit) }

// endedBy is what ended a drill before its time, from outside; nil for nothing.
func endedBy(ctx context.Context, drilled error) error {
	var late *tooLong
	switch {
	case drilled == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(drilled, &late):
		return late
	}
	return nil
}

// at says how far the script had come.
func at(line int) string {
	if line == 0 {
		return " before the first step"
	}
	return fmt.Sprintf(" at line %d", line)
}
