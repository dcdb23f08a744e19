package gates_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/gates/gatetest"
)

// follower is a meter that does nothing but follow the terms.
type follower struct {
	terms gates.Terms
	late  []gates.Late
}

func (f *follower) Observe(e *gates.Event) {
	if late, ok := f.terms.Observe(e); ok {
		late.Effect = nil // it is only valid now
		f.late = append(f.late, late)
	}
}

func (f *follower) Measure() gates.Measurement { return gates.Measurement{Value: float64(len(f.late))} }

func follow(t *testing.T, text string) *follower {
	t.Helper()
	events, err := gatetest.Parse(text)
	require.NoError(t, err)
	f := &follower{}
	metric := gates.Metric{Name: "late", Unit: gates.Count, New: func(history.Header) gates.Meter { return f }}
	gates.Judge(history.New(promising(), events), nil, []gates.Metric{metric})
	return f
}

func TestALateEffectBelongsToTheChangeThatSupersededIt(t *testing.T) {
	f := follow(t, `
1s witness effect ok   replica=a subject=1 kind=fenced leadership=x term=2
2s witness effect ok   replica=b subject=2 kind=fenced leadership=x term=5
2s witness effect ok   replica=c subject=3 kind=fenced leadership=y term=1
3s witness effect ok   replica=c subject=4 kind=fenced leadership=x term=6
4s witness effect fail replica=a subject=5 kind=fenced leadership=x term=2 outcome=stale
4s witness effect fail replica=a subject=5 kind=fenced leadership=x term=3 outcome=stale
4s witness effect fail replica=a subject=5 kind=fenced leadership=x term=1 outcome=stale
4s witness effect fail replica=a subject=5 kind=fenced leadership=x outcome=stale
5s witness effect fail replica=b subject=6 kind=fenced leadership=x term=5 outcome=stale
5s witness effect fail replica=d subject=6 kind=fenced leadership=x term=9 outcome=stale
6s witness effect ok   replica=c subject=7 kind=fenced leadership=x term=6
`)
	var heirs []uint64
	for _, late := range f.late {
		heirs = append(heirs, late.Heir.Term)
		require.Nil(t, late.Zombie)
	}
	require.Equal(t, []uint64{5, 5, 5, 5, 6}, heirs)
	changes := f.terms.Changes()
	require.Len(t, changes, 2, "the first term of a leadership is no change")
	require.Equal(t, "c", changes[1].Replica)
	require.EqualValues(t, 5, changes[1].Former.Term)
}

func TestAnEarlierTermBeforeTheFirstChangeIsNotLate(t *testing.T) {
	f := follow(t, `
1s witness effect ok replica=a subject=1 kind=fenced leadership=x term=2
2s witness effect ok replica=b subject=2 kind=once leadership=x term=1
3s witness effect ok replica=b subject=3 kind=once leadership=x
4s witness effect ok replica=b subject=4 kind=once
`)
	require.Empty(t, f.late)
	require.Empty(t, f.terms.Changes())
	require.True(t, f.terms.Seen())
}
