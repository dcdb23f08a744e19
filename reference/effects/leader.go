package effects

import (
	"context"
	"errors"
	"fmt"

	"github.com/drillrun/drillrun/reference/leadership"
)

// AsHolder reports an effect under the lease in ctx and tries again until it
// is known to have happened or the term is lost. Its key is its subject: a new
// leader that repeats what its dead predecessor had not recorded changes
// nothing.
func AsHolder(ctx context.Context, r Reporter, subject string) error {
	lease, err := leadership.FromContext(ctx)
	if err != nil {
		return err
	}
	err = Retries().Retry(ctx, temporaryForHolder, func(ctx context.Context) error {
		if err := lease.Check(); err != nil {
			return err
		}
		_, err := r.Report(ctx, Effect{
			Subject: subject, Key: subject, Kind: Fenced, Leadership: lease.Key, Term: lease.Term,
		})
		return err
	})
	if errors.Is(err, ErrStale) {
		return fmt.Errorf("%w: %w", leadership.ErrTermLost, err)
	}
	return err
}

func temporaryForHolder(err error) bool {
	return Temporary(err) && !errors.Is(err, leadership.ErrTermLost)
}

// Announcer makes a new leader known by its first effect, so that its
// followers, and whoever measures, see the moment at which it can act.
type Announcer struct{ Reporter Reporter }

var _ leadership.Singleton = Announcer{}

// Name implements leadership.Singleton.
func (Announcer) Name() string { return "announcer" }

// Run announces the lease in ctx under the subject "leadership/<key>/<term>".
func (a Announcer) Run(ctx context.Context) error {
	lease, err := leadership.FromContext(ctx)
	if err != nil {
		return err
	}
	err = AsHolder(ctx, a.Reporter, fmt.Sprintf("leadership/%s/%d", lease.Key, lease.Term))
	if err != nil && (errors.Is(err, leadership.ErrTermLost) || ctx.Err() == nil) {
		return err
	}
	<-ctx.Done()
	return nil
}
