package witness

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

const someCall = `{"subject":"vm-1","key":"vm-1/create","kind":"once"}`

// call posts an effect to a backend.
func (w *world) call(b *backend, body string) (status int, text string, err error) {
	return w.callWithin(context.Background(), b, body)
}

func (w *world) callWithin(ctx context.Context, b *backend, body string) (status int, text string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+b.Addr()+"/v1/effects", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Authorization", "Bearer "+w.Token("replica-1"))
	response, err := w.sender.Do(r)
	if err != nil {
		return 0, "", err
	}
	text, err = readText(response.Body)
	return response.StatusCode, text, errors.Join(err, response.Body.Close())
}

// lives tells, by backend, how each call went on and ended, in the order of
// their arrival; and that each has its two ends.
func lives(t *testing.T, events []history.Event) map[string][]string {
	t.Helper()
	told := map[string][]string{}
	ended := map[string]bool{}
	for _, e := range events {
		if e.Op != history.OpCall {
			continue
		}
		d, err := history.DecodeEffect(&e)
		require.NoError(t, err)
		name := fmt.Sprint(e.Actor, d.Call)
		if e.Phase == history.Invoke {
			require.Empty(t, d.Outcome)
			told[e.Actor] = append(told[e.Actor], "")
			require.EqualValues(t, len(told[e.Actor]), d.Call)
			continue
		}
		require.False(t, ended[name], "%s has ended", name)
		text := string(d.Outcome)
		switch {
		case e.Phase == history.Info:
			text = "given up, "
		case e.Err != "":
			text += " (" + e.Err + ")"
		}
		told[e.Actor][d.Call-1] += text
		ended[name] = e.Phase != history.Info
	}
	for actor, calls := range told {
		for i := range calls {
			require.True(t, ended[fmt.Sprint(actor, i+1)], "%s: call %d has no end", actor, i+1)
		}
	}
	return told
}

// calls are the calls that a backend begins to hold, and that leave it.
type calls struct{ held, left chan struct{} }

// spy tells of the calls of a backend that has had none yet.
func spy(b *backend) calls {
	c := calls{make(chan struct{}, 100), make(chan struct{}, 100)}
	inner := b.server.Handler
	b.server.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer func() { c.left <- struct{}{} }()
		inner.ServeHTTP(&spied{rw, c.held}, r)
	})
	return c
}

// spied notices the lifting of the timeouts, which is when a call is held.
type spied struct {
	http.ResponseWriter
	held chan struct{}
}

func (s *spied) SetReadDeadline(t time.Time) error {
	err := http.NewResponseController(s.ResponseWriter).SetReadDeadline(t)
	s.held <- struct{}{}
	return err
}

func (s *spied) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func within(t *testing.T, what <-chan struct{}) {
	t.Helper()
	select {
	case <-what:
	case <-time.After(20 * time.Second):
		require.Fail(t, "it did not happen")
	}
}

func TestEachBackendHasItsOwnKeysAndTerms(t *testing.T) {
	w := newWorld(t)
	require.Len(t, w.Backends(), 5)
	const fenced = `{"subject":"s","key":"k","kind":"fenced","leadership":"cron","term":7}`
	bodies := []string{someCall, someCall, fenced, strings.ReplaceAll(fenced, "7", "6")}
	answers := []int{http.StatusOK, http.StatusAlreadyReported, http.StatusOK, http.StatusConflict}
	for i, body := range bodies {
		status, _ := w.send("replica-1", typeJSON, body)
		require.Equal(t, answers[i], status, "the witness itself")
	}
	for _, b := range w.backends {
		for i, body := range bodies {
			status, text, err := w.call(b, body)
			require.NoError(t, err)
			require.Equal(t, answers[i], status, "%s: %s", b.Name(), text)
		}
	}
	counts := map[string]int{}
	for _, e := range w.events() {
		counts[e.Actor+" "+e.Op]++
		detail, err := history.DecodeEffect(&e)
		require.NoError(t, err)
		require.Equal(t, "replica-1", detail.Replica, "the token is the same everywhere")
	}
	require.Equal(t, map[string]int{ // a call has two ends
		"witness effect": 4, "backend/compute call": 8, "backend/network call": 8, "backend/storage call": 8,
		"backend/dns call": 8, "backend/loadbalancer call": 8,
	}, counts)
}

func TestWhatABackendRefusesHasNoEffect(t *testing.T) {
	w := newWorld(t)
	compute, network := w.backends[0], w.backends[1]
	require.NoError(t, compute.Degrade(t.Context(), drills.Impairment{Kind: drills.Failing, Share: 1}))
	for range 5 {
		status, body, err := w.call(compute, someCall)
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.JSONEq(t, `{"error":"out of service"}`, body)
	}
	status, _, err := w.call(network, someCall)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, "the others are sound")

	require.NoError(t, compute.Heal(t.Context()))
	require.NoError(t, compute.Heal(t.Context()), "healing twice does nothing")
	status, _, err = w.call(compute, someCall)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	told := lives(t, w.events())
	require.Equal(t, []string{"accepted"}, told["backend/network"])
	refused := "failed (out of service)"
	require.Equal(t, []string{refused, refused, refused, refused, refused, "accepted"}, told["backend/compute"])
}

func TestAShareOfTheCallsFailsTheSameOnesForTheSameSeed(t *testing.T) {
	pattern := func(seed uint64) (failed string, n int) {
		c := newCondition(seed, 1)
		require.NoError(t, c.become(drills.Impairment{Kind: drills.Failing, Share: 0.25}))
		for range 1000 {
			if c.meet(t.Context(), "key", nil, nil) != nil {
				failed += "x"
				n++
			} else {
				failed += "."
			}
		}
		return failed, n
	}
	first, n := pattern(7)
	again, _ := pattern(7)
	other, _ := pattern(8)
	require.InDelta(t, 250, n, 75)
	require.Equal(t, first, again)
	require.NotEqual(t, first, other)
}

func TestALateCallTakesEffectWhenItsAnswerIsDue(t *testing.T) {
	const delay = 500 * time.Millisecond
	limits := defaultTimeouts()
	limits.request, limits.answer = delay-100*time.Millisecond, delay-100*time.Millisecond // which are for slow senders
	w := newWorldWith(t, limits)
	compute := w.backends[0]
	spied := spy(compute)
	require.NoError(t, compute.Degrade(t.Context(), drills.Impairment{Kind: drills.Slow, Delay: delay}))

	begun := w.log.Now()
	status, body, err := w.call(compute, someCall)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, body)

	impatient, giveUp := context.WithCancel(t.Context())
	var caller sync.WaitGroup
	caller.Go(func() {
		<-spied.held // the first call
		<-spied.held
		giveUp()
	})
	_, _, err = w.callWithin(impatient, compute, strings.ReplaceAll(someCall, "vm-1", "vm-2"))
	require.ErrorIs(t, err, context.Canceled)
	caller.Wait()
	within(t, spied.left)
	within(t, spied.left)

	events := w.events()
	require.Len(t, events, 5)
	require.GreaterOrEqual(t, events[1].At, begun+delay)
	require.Equal(t, history.Info, events[3].Phase)
	require.Less(t, events[3].At, events[2].At+delay)
	require.GreaterOrEqual(t, events[4].At, events[2].At+delay)
	require.Equal(t, []string{"accepted", "given up, accepted"}, lives(t, events)["backend/compute"], "a timeout is not a no")
}

func TestCallsHangUntilTheyAreHealed(t *testing.T) {
	limits := defaultTimeouts()
	limits.request, limits.answer = 400*time.Millisecond, 400*time.Millisecond
	w := newWorldWith(t, limits)
	compute := w.backends[0]
	spied := spy(compute)
	hanging := drills.Impairment{Kind: drills.Hanging}
	for name, heal := range map[string]func() error{
		"by healing":           func() error { return compute.Heal(t.Context()) },
		"by another sickness":  func() error { return compute.Degrade(t.Context(), drills.Impairment{Kind: drills.Failing, Share: 1}) },
		"by the same sickness": func() error { return compute.Degrade(t.Context(), hanging) },
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, compute.Degrade(t.Context(), hanging))
			const callers = 5
			answers := make(chan int, callers)
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					status, _, err := w.call(compute, someCall)
					if err != nil {
						status = -1
					}
					answers <- status
				})
			}
			for range callers {
				within(t, spied.held)
			}
			select {
			case <-spied.left:
				require.Fail(t, "a call did not hang")
			case <-time.After(limits.request + 100*time.Millisecond):
			}
			require.NoError(t, heal())
			all.Wait()
			for range callers {
				within(t, spied.left)
				require.Equal(t, http.StatusServiceUnavailable, <-answers)
			}
		})
	}
	let := "failed (out of service: it hung until it was let go of)"
	require.Equal(t, slices.Repeat([]string{let}, 3*5), lives(t, w.events())["backend/compute"])
}

func TestAHangingCallEndsWithItsSender(t *testing.T) {
	w := newWorld(t)
	compute := w.backends[0]
	spied := spy(compute)
	require.NoError(t, compute.Degrade(t.Context(), drills.Impairment{Kind: drills.Hanging}))
	ctx, hangUp := context.WithCancel(t.Context())
	var sender sync.WaitGroup
	sender.Go(func() {
		<-spied.held
		hangUp()
	})
	_, _, err := w.callWithin(ctx, compute, someCall)
	require.ErrorIs(t, err, context.Canceled)
	sender.Wait()
	within(t, spied.left)
	require.Equal(t, []string{"given up, failed (the sender hung up)"}, lives(t, w.events())["backend/compute"])
}

func TestCloseWaitsForNoCallThatIsHeld(t *testing.T) {
	limits := defaultTimeouts()
	limits.grace = time.Hour
	w := newWorldWith(t, limits)
	hanging, slow := w.backends[0], w.backends[1]
	require.NoError(t, hanging.Degrade(t.Context(), drills.Impairment{Kind: drills.Hanging}))
	require.NoError(t, slow.Degrade(t.Context(), drills.Impairment{Kind: drills.Slow, Delay: time.Hour}))
	var senders sync.WaitGroup
	for b, want := range map[*backend]int{hanging: http.StatusServiceUnavailable, slow: http.StatusOK} {
		spied := spy(b)
		for range 3 {
			senders.Go(func() {
				status, text, err := w.call(b, `{"subject":"s","key":"k","kind":"record"}`)
				if err != nil || status != want {
					t.Errorf("%s: %d %s %v", b.Name(), status, text, err)
				}
			})
			within(t, spied.held)
		}
	}
	require.NoError(t, w.Close(context.Background()))
	senders.Wait()
	require.ErrorIs(t, hanging.Degrade(t.Context(), drills.Impairment{Kind: drills.Hanging}), errClosed)
	require.NoError(t, hanging.Heal(t.Context()))
	told := lives(t, w.events())
	require.Equal(t, slices.Repeat([]string{"accepted"}, 3), told["backend/network"], "what is late takes effect at once")
	let := "failed (out of service: it hung until it was let go of)"
	require.Equal(t, slices.Repeat([]string{let}, 3), told["backend/compute"], "what hangs never does")
}

func TestEveryCallHasItsEndAlthoughCloseHasNoTime(t *testing.T) {
	w := newWorld(t)
	compute := w.backends[0]
	spied := spy(compute)
	require.NoError(t, compute.Degrade(t.Context(), drills.Impairment{Kind: drills.Slow, Delay: time.Hour}))
	var senders sync.WaitGroup
	for i := range 20 {
		senders.Go(func() {
			body := strings.ReplaceAll(someCall, "vm-1", fmt.Sprint("vm-", i))
			if status, _, err := w.call(compute, body); err == nil && status != http.StatusOK {
				t.Errorf("answered %d", status)
			}
		})
	}
	for range 20 {
		within(t, spied.held)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, w.Close(over))
	require.Equal(t, slices.Repeat([]string{"accepted"}, 20), lives(t, w.events())["backend/compute"])
	senders.Wait()
	require.NoError(t, w.log.Err(), "nothing was appended after Close")
}

func TestWhatIsNoCallLeavesNoEvent(t *testing.T) {
	w := newWorld(t)
	compute := w.backends[0]
	require.NoError(t, compute.Degrade(t.Context(), drills.Impairment{Kind: drills.Failing, Share: 1}))
	send := func(media, token, body string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+compute.Addr()+"/v1/effects", strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", media)
		status, _ := w.do(r)
		return status
	}
	known := w.Token("replica-1")
	require.Equal(t, http.StatusBadRequest, send(typeJSON, known, `{"subject":"vm-1"}`))
	require.Equal(t, http.StatusUnauthorized, send(typeJSON, "guessed", someCall))
	require.Equal(t, http.StatusRequestEntityTooLarge, send(typeJSON, known, strings.Repeat(" ", maxEffect+1)))
	require.Equal(t, http.StatusUnsupportedMediaType, send(typeLines, known, someCall+"\n"))
	require.Empty(t, w.events())
}

func TestByKeyEveryTryFaresTheSame(t *testing.T) {
	failing := func(seed, stream uint64) *condition {
		c := newCondition(seed, stream)
		require.NoError(t, c.become(drills.Impairment{Kind: drills.Failing, Share: 0.25, ByKey: true}))
		return c
	}
	pattern := func(c *condition) (failed string) {
		for i := range 1000 {
			if c.meet(t.Context(), fmt.Sprint("vm-", i), nil, nil) != nil {
				failed += "x"
			} else {
				failed += "."
			}
		}
		return failed
	}
	c := failing(7, 1)
	first := pattern(c)
	require.InDelta(t, 250, strings.Count(first, "x"), 75)
	require.Equal(t, first, pattern(c))
	require.Equal(t, first, pattern(failing(7, 1)))
	require.NotEqual(t, first, pattern(failing(8, 1)), "another seed")
	require.NotEqual(t, first, pattern(failing(7, 2)), "another backend")

	pings := 0
	for range 1000 {
		if c.meet(t.Context(), "", nil, nil) != nil {
			pings++
		}
	}
	require.InDelta(t, 250, pings, 75, "what has no key is decided by its arrival")
}

func TestHealthFaresLikeACallWithItsKey(t *testing.T) {
	w := newWorld(t)
	dns := w.backends[3]
	require.NoError(t, dns.Degrade(t.Context(), drills.Impairment{Kind: drills.Failing, Share: 0.5, ByKey: true}))
	statuses := map[int]int{}
	for i := range 40 {
		key := fmt.Sprint("vm-", i)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+dns.Addr()+"/healthz?key="+key, nil)
		require.NoError(t, err)
		ping, _ := w.do(r)
		call, _, err := w.call(dns, strings.ReplaceAll(someCall, "vm-1/create", key))
		require.NoError(t, err)
		require.Equal(t, ping, call, key)
		statuses[call]++
	}
	require.Len(t, statuses, 2)
}

func TestABackendKnowsOnlyItsImpairments(t *testing.T) {
	w := newWorld(t)
	err := w.backends[0].Degrade(t.Context(), drills.Impairment{Kind: "melting"})
	require.ErrorIs(t, err, drills.ErrUnsupported)
	require.ErrorContains(t, err, `degrade compute: impairment "melting"`)
}
