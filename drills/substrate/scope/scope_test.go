package scope_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/scope"
)

func TestCloseInterruptsWhatIsUnderWayAndWaitsForWhatItLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scope.New(t.Context(), time.Second)
		ctx, done, err := s.Enter(t.Context())
		require.NoError(t, err)
		ended := false
		go func() {
			<-ctx.Done()
			s.Keep(func(context.Context) error { ended = true; return nil })
			done()
		}()
		require.NoError(t, s.Close(t.Context()))
		require.True(t, ended, "kept after Close had begun")
		require.ErrorIs(t, context.Cause(ctx), drills.ErrClosed)
		_, _, err = s.Enter(t.Context())
		require.ErrorIs(t, err, drills.ErrClosed)
		_, _, err = s.EnterAs(t.Context(), "late")
		require.ErrorIs(t, err, drills.ErrClosed)
	})
}

func TestCloseEndsEverythingThoughItsContextIsDone(t *testing.T) {
	s := scope.New(t.Context(), time.Second)
	broken := errors.New("broken")
	var ends []string
	s.Keep(func(context.Context) error { return broken })
	s.Keep(func(ctx context.Context) error { ends = append(ends, "kept"); return ctx.Err() })
	last := func(ctx context.Context) error { ends = append(ends, "last"); return ctx.Err() }
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 { // the second time it says what it said before
		err := s.Close(done, last)
		require.ErrorIs(t, err, broken)
		require.NotErrorIs(t, err, context.Canceled)
	}
	require.Equal(t, []string{"kept", "last"}, ends)
}

func TestCloseGivesUpWhatDoesNotEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scope.New(t.Context(), time.Second)
		s.Keep(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		require.ErrorIs(t, s.Close(t.Context()), context.DeadlineExceeded)
	})
}

func TestNamesAreGivenOnceAndFit(t *testing.T) {
	s := scope.New(t.Context(), time.Second)
	_, done, err := s.EnterAs(t.Context(), "replica-1")
	require.NoError(t, err)
	done()
	for name, wrong := range map[string]string{"replica-1": "is taken", "": "use letters", "../etc": "use letters"} {
		_, _, err := s.EnterAs(t.Context(), name)
		require.ErrorContains(t, err, wrong)
	}
	require.NoError(t, s.Close(t.Context()))
}

// opened is a substrate of a group.
type opened struct {
	group *scope.Group
	ends  int
}

func (o *opened) Close(context.Context) error {
	o.group.Remove(o)
	o.ends++
	return nil
}

func TestAGroupClosesWhatIsOpenAndWhatComesTooLate(t *testing.T) {
	var group scope.Group
	early, left, late := &opened{group: &group}, &opened{group: &group}, &opened{group: &group}
	require.NoError(t, group.Add(t.Context(), early))
	require.NoError(t, group.Add(t.Context(), left))
	require.NoError(t, early.Close(t.Context()))
	require.False(t, group.Closed())
	for _, first := range []bool{true, false} {
		did, err := group.Close(t.Context())
		require.NoError(t, err)
		require.Equal(t, first, did)
	}
	require.True(t, group.Closed())
	require.ErrorIs(t, group.Add(t.Context(), late), drills.ErrClosed)
	require.Equal(t, []int{1, 1, 1}, []int{early.ends, left.ends, late.ends})
}
