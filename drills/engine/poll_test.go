package engine

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// stopped is a harness that stands still from one moment to another.
type stopped struct{ began, from, to time.Time }

func (s stopped) stalled() time.Duration {
	if time.Now().Before(s.to) {
		return 0
	}
	return s.to.Sub(s.from)
}

// check comes true 20 seconds after the beginning.
func (s stopped) check() error {
	if time.Now().Before(s.from) || time.Since(s.began) < 20*time.Second {
		<-time.After(max(0, time.Until(s.to))) // nothing is looked at meanwhile
		return errors.New("not yet")
	}
	return nil
}

func TestAWaitCountsOnlyTheTimeInWhichTheHarnessRan(t *testing.T) {
	for within, comes := range map[time.Duration]bool{9 * time.Second: true, 7 * time.Second: false} {
		synctest.Test(t, func(t *testing.T) {
			now := time.Now()
			s := stopped{began: now, from: now.Add(time.Second), to: now.Add(13 * time.Second)}
			err := poll(t.Context(), s.stalled, within, s.check)
			var expired *ExpiredError
			require.Equal(t, !comes, errors.As(err, &expired), "%v", err)
			if !comes {
				require.InDelta(t, 19, time.Since(now).Seconds(), 0.1, "it was waited for as long as was asked for")
			}
		})
	}
}

func TestAWaitForNothingEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		err := poll(t.Context(), func() time.Duration { return 0 }, time.Minute, func() error { return hopeless(errors.New("it is over")) })
		require.ErrorIs(t, err, ErrHopeless)
		require.EqualError(t, err, "it is over")
		require.Zero(t, time.Since(now))
	})
}
