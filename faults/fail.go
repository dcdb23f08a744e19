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
			Usage:      "fail BACKEND|all [share=50%] [for=DURATION] [&]",
			Summary:    "a backend answers 503, to all calls or a share of them",
			Doc:        "Stands for an overloaded or badly deployed service. The calls have no effect. Proved by probes, all of which are refused, or some of which where share= is below 100%: as many are sent as leave one chance in a billion to see none. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      checkFail,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			share, err := a.Share("share", 1)
			return &fail{impaired{name: a.Words[0], how: drills.Impairment{Kind: drills.Failing, Share: share}}}, err
		},
		Held: drills.HeldFor,
		Mild: true,
	}
}

func checkFail(a drills.Args) error {
	if err := checkBackends(a, "share"); err != nil {
		return err
	}
	_, err := a.Share("share", 1)
	return err
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
		n := 0
		for range f.probes() {
			status, err := probe.ask(ctx, answersWithin)
			if err != nil {
				return err
			}
			if status == http.StatusServiceUnavailable {
				n++
			}
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
