package faults

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync"

	"github.com/drillrun/drillrun/drills"
)

// Fail makes backends refuse calls: an overloaded service, a bad deployment of
// somebody else's, an exhausted quota. What is refused has had no effect, and
// the answer says so at once; a share below 100% is what retries live on and
// what circuit breakers argue about.
func Fail() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "fail",
			Usage:      "fail BACKEND|all [share=50% [by=arrival|key]] [for=DURATION] [&]",
			Summary:    "a backend answers 503, to all calls or a share of them",
			Doc:        "Stands for an overloaded or badly deployed service. The calls have no effect. With share= below 100%, by=arrival draws for every call anew, so that retries help; by=key draws for every key, so that every try of one call fares the same. Proved by probes, all of which are refused, or some of which where share= is below 100%: as many are sent as leave one chance in a billion to see none. By key each has a key of its own and is sent twice, to the same answer. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      checkFail,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			share, err := a.Share("share", 1)
			how := drills.Impairment{Kind: drills.Failing, Share: share, ByKey: a.Option("by", byArrival) == byKey}
			return &fail{impaired{name: a.Words[0], how: how}}, err
		},
		Held: drills.HeldFor,
		Mild: true,
	}
}

// What decides which calls of a share fail.
const (
	byArrival = "arrival"
	byKey     = "key"
)

func checkFail(a drills.Args) error {
	if err := checkBackends(a, "share", "by"); err != nil {
		return err
	}
	share, err := a.Share("share", 1)
	by, chosen := a.Options["by"]
	switch {
	case err != nil:
		return err
	case chosen && by != byArrival && by != byKey:
		return fmt.Errorf("by=%s: want by=arrival or by=key", by)
	case chosen && share == 1:
		return fmt.Errorf("by=%s says which calls fail where not all of them do: write share=50%%, too", by)
	}
	return nil
}

type fail struct{ impaired }

// probes is how many of them show the share: if the rarer of the two answers
// does not come once, it was not only bad luck.
func (f *fail) probes() int {
	const enough, miss = 10, 1e-9
	rarer := min(f.how.Share, 1-f.how.Share)
	if rarer == 0 {
		return enough
	}
	return int(math.Ceil(math.Log(miss) / math.Log(1-rarer)))
}

// Await probes every backend and wants refusals, but no more than there should
// be.
func (f *fail) Await(ctx context.Context) (drills.Evidence, error) {
	var mu sync.Mutex
	refused := map[string]any{}
	err := f.each(func(b drills.Backend, probe prober) error {
		n, err := f.refused(ctx, probe)
		if err != nil {
			return err
		}
		if n == 0 || (n < f.probes()) != (f.how.Share < 1) {
			return fmt.Errorf("%d of %d probes were refused", n, f.probes())
		}
		mu.Lock()
		defer mu.Unlock()
		refused[b.Name()] = n
		return nil
	})
	if err != nil {
		return nil, err
	}
	return drills.Evidence{"probes": f.probes(), "refused": refused}, nil
}

// refused counts the probes that are.
func (f *fail) refused(ctx context.Context, probe prober) (n int, err error) {
	for i := range f.probes() {
		if f.how.ByKey {
			probe.key = fmt.Sprint("probe-", i+1)
		}
		status, err := probe.ask(ctx, answersWithin)
		if err != nil {
			return n, err
		}
		if f.how.ByKey {
			again, err := probe.ask(ctx, answersWithin)
			if err != nil {
				return n, err
			}
			if again != status {
				return n, fmt.Errorf("a probe with one key was answered %d, and then %d", status, again)
			}
		}
		if status == http.StatusServiceUnavailable {
			n++
		}
	}
	return n, nil
}
