package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/ledger"
)

// maxWork is the longest that a job may ask to work.
const maxWork = time.Hour

// effectPayload is the payload of a job that is one effect; it may be absent.
type effectPayload struct {
	WorkMS int64 `json:"work_ms"` // how long to work before the effect
}

// EffectWork reads how long a job is to work before its effect.
func EffectWork(payload json.RawMessage) (time.Duration, error) {
	var p effectPayload
	if err := json.Unmarshal(payload, &p); err != nil {
		return 0, fmt.Errorf("read payload: %w", err)
	}
	work := time.Duration(p.WorkMS) * time.Millisecond
	if work < 0 || work > maxWork {
		return 0, fmt.Errorf("work_ms is %d: want 0 to %d", p.WorkMS, maxWork.Milliseconds())
	}
	return work, nil
}

// EffectKind returns the handler of jobs that are one effect on the outside
// world, after as much work as the payload asks for. The effect's key is the
// job's, so every attempt is the same effect.
func EffectKind(r effects.Reporter) Handler {
	return func(ctx context.Context, e ledger.Execution) error {
		work, err := EffectWork(e.Payload)
		if err != nil {
			return err
		}
		if err := backoff.Sleep(ctx, work); err != nil {
			return err
		}
		return effects.Retries().Retry(ctx, effects.Temporary, func(ctx context.Context) error {
			_, err := r.Report(ctx, effects.Effect{
				Subject: e.Subject, Key: e.Key, Kind: effects.Once, Attempt: e.Attempt,
			})
			return err
		})
	}
}
