package gates_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/gates/gatetest"
)

// listener is a meter that does nothing but follow the calls.
type listener struct {
	calls gates.Calls
	heard []*gates.Call // one an event; nil for none
}

func (l *listener) Observe(e *gates.Event)     { l.heard = append(l.heard, l.calls.Observe(e)) }
func (l *listener) Measure() gates.Measurement { return gates.Measurement{} }

func TestACallIsFollowedFromItsArrivalToItsEnd(t *testing.T) {
	events, err := gatetest.Parse(`
1s backend/dns     call invoke key=k replica=a subject=s kind=once attempt=1 call=1
2s backend/compute call invoke key=k replica=a subject=s kind=once call=1
3s backend/dns     call info   key=k replica=a subject=s kind=once attempt=1 call=1
4s backend/compute call ok     key=k replica=a subject=s kind=once call=1 outcome=seen
5s backend/dns     call fail   key=k replica=a subject=s kind=once attempt=1 call=1 outcome=failed
6s backend/dns     call fail   key=k replica=a subject=s kind=once attempt=1 call=1 outcome=failed   # again
7s backend/dns     call ok     key=k replica=a subject=s kind=once call=9 outcome=seen               # never arrived
8s witness         effect ok   key=k replica=a subject=s kind=once
`)
	require.NoError(t, err)
	l := &listener{}
	metric := gates.Metric{Name: "heard", Unit: gates.Count, New: func(history.Header) gates.Meter { return l }}
	gates.Judge(history.New(promising(), events), nil, []gates.Metric{metric})

	dns, compute := l.heard[0], l.heard[1]
	require.NotSame(t, dns, compute, "backends number their calls by themselves")
	require.Equal(t, []*gates.Call{dns, compute, dns, compute, dns, nil, nil, nil}, l.heard)
	require.Equal(t, gates.CallKey{Backend: "dns", Replica: "a", Key: "k"}, dns.CallKey)
	require.Equal(t, gates.Moment{At: time.Second, Seq: 1}, dns.Arrived)
	require.EqualValues(t, 3, dns.Over.Seq, "the sender had hung up before it was answered")
	require.Equal(t, history.Failed, dns.Effect.Outcome)
	require.Equal(t, 1, dns.Effect.Attempt)
	require.EqualValues(t, 4, compute.Over.Seq)
	require.Equal(t, history.Seen, compute.Effect.Outcome)
}
