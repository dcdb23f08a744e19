package witness

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

// Many senders fight for the same keys and terms: the history must read as if
// they had come one after the other, and every answer must be in it.
func TestTheHistoryHasTheOrderOfTheDecisions(t *testing.T) {
	w := newWorld(t)
	const senders, rounds = 8, 60
	var mu sync.Mutex
	answered := map[string]int{} // "replica key outcome" → times
	var group sync.WaitGroup
	for s := range senders {
		group.Go(func() {
			replica := fmt.Sprintf("replica-%d", s)
			for i := range rounds {
				for _, e := range []effect{
					{Subject: "job", Key: fmt.Sprint("job-", i), Kind: "once"},
					{Subject: "slot", Key: fmt.Sprint("slot-", i), Kind: "fenced", Leadership: "cron", Term: uint64(1 + (i+s)/3)},
				} {
					_, body := w.send(replica, typeJSON, text(e))
					mu.Lock()
					answered[replica+" "+e.Key+" "+outcomeIn(body)]++
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()

	events := w.events()
	require.Len(t, events, 2*senders*rounds)
	model := newLedger(nil, "witness", history.OpEffect)
	for _, e := range events {
		detail, err := history.DecodeEffect(&e)
		require.NoError(t, err)
		want := model.decide(&effect{Subject: detail.Subject, Key: e.Key, Kind: detail.Kind, Leadership: detail.Leadership, Term: detail.Term})
		require.Equal(t, want.outcome, detail.Outcome, "event %d", e.Seq)
		answered[detail.Replica+" "+e.Key+" "+string(detail.Outcome)]--
	}
	for what, left := range answered {
		require.Zero(t, left, what)
	}
}

// The same of a backend: its calls are numbered as they arrive, and decided as
// they end.
func TestTheCallsOfABackendEndInTheOrderOfTheDecisions(t *testing.T) {
	w := newWorld(t)
	compute := w.backends[0]
	require.NoError(t, compute.Degrade(t.Context(), drills.Impairment{Kind: drills.Slow, Delay: time.Millisecond}))
	const senders, rounds = 8, 40
	var group sync.WaitGroup
	for s := range senders {
		group.Go(func() {
			for i := range rounds {
				for _, e := range []effect{
					{Subject: "job", Key: fmt.Sprint("job-", i), Kind: "once"},
					{Subject: "slot", Key: fmt.Sprint("slot-", i), Kind: "fenced", Leadership: "cron", Term: uint64(1 + (i+s)/3)},
				} {
					if _, _, err := w.call(compute, text(e)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Wait()

	events := w.events()
	require.Len(t, lives(t, events)["backend/compute"], 2*senders*rounds)
	model := newLedger(nil, "", "")
	for _, e := range events {
		if e.Phase == history.Invoke {
			continue
		}
		detail, err := history.DecodeEffect(&e)
		require.NoError(t, err)
		want := model.decide(&effect{Subject: detail.Subject, Key: e.Key, Kind: detail.Kind, Leadership: detail.Leadership, Term: detail.Term})
		require.Equal(t, want.outcome, detail.Outcome, "event %d", e.Seq)
	}
}

func outcomeIn(body string) string {
	for _, o := range []history.Outcome{history.Accepted, history.Seen, history.Stale} {
		if strings.Contains(body, string(o)) {
			return string(o)
		}
	}
	return body
}

// Effects that arrive while the witness closes are in the history, or were
// not acknowledged.
func TestClosingUnderLoadClaimsNothingUnrecorded(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	var group sync.WaitGroup
	started := make(chan struct{}, 4*10_000)
	for s := range 4 {
		group.Go(func() {
			for i := range 10_000 {
				key := fmt.Sprintf("%d/%d", s, i)
				r, err := http.NewRequest(http.MethodPost, "http://"+w.Addr()+"/v1/effects", strings.NewReader(text(effect{Subject: key, Key: key, Kind: "once"})))
				if err != nil {
					panic(err)
				}
				r.Header.Set("Authorization", "Bearer "+w.Token("r"))
				response, err := w.sender.Do(r)
				if err != nil {
					return
				}
				if response.StatusCode == http.StatusOK {
					mu.Lock()
					acknowledged[key] = true
					mu.Unlock()
				}
				if response.Body.Close() != nil {
					return
				}
				started <- struct{}{}
			}
		})
	}
	for range 200 {
		<-started
	}
	require.NoError(t, w.Close(context.Background()))
	events := w.events() // sealed at once: an append from here on would show
	group.Wait()
	require.NoError(t, w.log.Err(), "nothing was appended after Close")
	for _, e := range events {
		delete(acknowledged, e.Key)
	}
	require.Empty(t, acknowledged)
}
