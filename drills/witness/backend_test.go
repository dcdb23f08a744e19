package witness

import (
	"context"
	"errors"
	"net/http"
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
	require.Equal(t, map[string]int{
		"witness effect": 4, "backend/compute call": 4, "backend/network call": 4, "backend/storage call": 4,
		"backend/dns call": 4, "backend/loadbalancer call": 4,
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
	require.Len(t, w.events(), 2)
}

func TestAShareOfTheCallsFailsTheSameOnesForTheSameSeed(t *testing.T) {
	pattern := func(seed uint64) (failed string, n int) {
		c := newCondition(seed, 1)
		require.NoError(t, c.become(drills.Impairment{Kind: drills.Failing, Share: 0.25}))
		for range 1000 {
			if c.meet(t.Context(), nil) != nil {
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
	require.Len(t, events, 2, "a timeout is not a no")
	require.GreaterOrEqual(t, events[0].At, begun+delay)
	require.GreaterOrEqual(t, events[1].At, events[0].At+delay)
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
	require.Empty(t, w.events())
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
	require.Empty(t, w.events())
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
	require.Len(t, w.events(), 3, "what is late takes effect at once, what hangs never does")
}

func TestABackendKnowsOnlyItsImpairments(t *testing.T) {
	w := newWorld(t)
	err := w.backends[0].Degrade(t.Context(), drills.Impairment{Kind: "melting"})
	require.ErrorIs(t, err, drills.ErrUnsupported)
	require.ErrorContains(t, err, `degrade compute: impairment "melting"`)
}
