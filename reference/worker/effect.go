package worker

import (
	"context"

	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/ledger"
)

// EffectKind returns the handler of jobs that are one effect on the outside
// world. The effect's key is the job's, so every attempt is the same effect.
func EffectKind(r effects.Reporter) Handler {
	return func(ctx context.Context, e ledger.Execution) error {
		return effects.Retries().Retry(ctx, effects.Temporary, func(ctx context.Context) error {
			_, err := r.Report(ctx, effects.Effect{
				Subject: e.Subject, Key: e.Key, Kind: effects.Once, Attempt: e.Attempt,
			})
			return err
		})
	}
}
