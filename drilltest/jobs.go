package drilltest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

const (
	// attemptTimeout is how long a client waits for an answer.
	attemptTimeout = time.Second
	// together is how many submissions one client makes at once.
	together = 8
)

// asked is what has been asked under one subject.
type asked struct {
	op    drills.Op
	acked bool // by some replica
	open  bool // some attempt may have had an effect
}

// job makes the submission of a job that nobody has asked for yet.
func (x *exercise) job() *asked {
	x.count++
	key := fmt.Sprintf("exercise-%d", x.count)
	a := &asked{op: drills.Op{Name: "submit", Key: key, Subject: "job/" + key}}
	x.asked[a.op.Subject] = a
	return a
}

// try submits once, to one replica. A client that does not heed its context ends
// the test.
func (x *exercise) try(t *testing.T, replica string, a *asked) error {
	t.Helper()
	err := x.do(t, replica, a.op)
	a.acked = a.acked || err == nil
	a.open = a.open || !errors.Is(err, drills.ErrRejected)
	return err
}

func (x *exercise) do(t *testing.T, replica string, op drills.Op) error {
	t.Helper()
	return heeding(t, replica, "Do", func(ctx context.Context) error {
		_, err := x.clients[replica].Do(ctx, op)
		return err
	})
}

// heeding calls a method of a replica's client that has to heed its context.
func heeding(t *testing.T, replica, method string, call func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), attemptTimeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- call(ctx) }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatal(misses("a client of %s goes on %v after its context has ended", "heed ctx in "+method+": an HTTP request is made with http.NewRequestWithContext", replica, patience-attemptTimeout))
		return nil
	}
}

// take submits until the job is acknowledged, as customers do.
func (x *exercise) take(t *testing.T, replica string, a *asked) {
	t.Helper()
	if err := within(patience, func() error { return x.try(t, replica, a) }); err != nil {
		t.Fatal(misses("%s takes no job: %v", "Do returns nil once the job is acknowledged; the replica's log is below", replica, err))
	}
}

// awaitEffects waits until every acknowledged job has had its effect.
func (x *exercise) awaitEffects(t *testing.T) {
	t.Helper()
	missing := func() (subjects []string) {
		for _, subject := range slices.Sorted(maps.Keys(x.asked)) {
			if x.asked[subject].acked && len(x.stage.seen.of(subject)) == 0 {
				subjects = append(subjects, subject)
			}
		}
		return subjects
	}
	if within(x.settle+patience, func() error {
		if len(missing()) > 0 {
			return errors.New("effects are missing")
		}
		return nil
	}) != nil {
		t.Fatal(misses("acknowledged jobs had no effect under their subjects: %s; the witness saw %s",
			"report each effect to the witness with the Subject of its Op, and acknowledge no job that may be lost", strings.Join(missing(), ", "), x.strangers()))
	}
}

// strangers are the subjects that nobody has asked for, as a hint.
func (x *exercise) strangers() string {
	var subjects []string
	for _, e := range x.stage.seen.where(func(e effect) bool { return e.Kind != history.KindFenced && x.asked[e.Subject] == nil }) {
		if quoted := strconv.Quote(e.Subject); !slices.Contains(subjects, quoted) {
			subjects = append(subjects, quoted)
		}
	}
	if len(subjects) == 0 {
		return "no others"
	}
	return "others: " + strings.Join(subjects[:min(len(subjects), toldLines)], ", ")
}

// requireJobs skips what is about jobs where none are promised.
func (x *exercise) requireJobs(t *testing.T) {
	t.Helper()
	if !x.system.Guarantees().Jobs {
		t.Skip("it promises no jobs")
	}
}

// doesJobs has every replica take jobs, one client several at once.
func (x *exercise) doesJobs(t *testing.T) {
	x.requireJobs(t)
	for _, r := range x.replicas {
		x.take(t, r, x.job())
	}
	first := x.replicas[0]
	var jobs []*asked
	for range together {
		jobs = append(jobs, x.job())
	}
	var submitting sync.WaitGroup
	for _, a := range jobs {
		submitting.Go(func() {
			err := within(patience, func() error {
				ctx, cancel := context.WithTimeout(t.Context(), attemptTimeout)
				defer cancel()
				_, err := x.clients[first].Do(ctx, a.op)
				return err
			})
			if err != nil {
				t.Error(misses("%d submissions by one client at once: %v", "a Client is safe for concurrent use", together, err))
			}
		})
	}
	submitting.Wait()
	for _, a := range jobs {
		a.acked, a.open = true, true
	}
	x.awaitEffects(t)
	for _, e := range x.stage.seen.where(func(e effect) bool { return !slices.Contains(x.replicas, e.Replica) }) {
		t.Fatal(misses("%q took effect by the token of %q, which is no replica", "give each replica the Token of its own name, as in its ProcessInfo", e.Subject, e.Replica))
	}
	if x.do(t, first, drills.Op{Name: "no-such-operation"}) == nil {
		t.Error(misses("a client does an operation that there is not", "reject an Op whose Name is not known"))
	}
}

// knowsKeys submits jobs again, and has answers of the witness get lost.
func (x *exercise) knowsKeys(t *testing.T) {
	x.requireJobs(t)
	twice, unheard := x.job(), x.job()
	first, last := x.replicas[0], x.replicas[len(x.replicas)-1]
	x.take(t, first, twice)
	x.take(t, first, twice)
	x.take(t, last, twice)
	x.awaitEffects(t)

	var cut []drills.Link
	for _, r := range x.replicas {
		cut = append(cut, x.links(r, "witness")...)
	}
	heal := degrade(t, drills.Degradation{Kind: drills.BlackHole, Direction: drills.Replies}, cut...)
	x.take(t, first, unheard)
	x.awaitEffects(t)
	// An answer that was only late need not be asked for again.
	repeated := within(x.settle, func() error {
		if len(x.stage.seen.of(unheard.op.Subject)) < 2 {
			return errors.New("it is reported once")
		}
		return nil
	})
	heal()
	if repeated != nil {
		t.Logf("an effect whose answer is lost is not reported again: %v", repeated)
	}
	err := watch(x.settle, func() error { return errors.Join(x.keyed(twice), x.keyed(unheard)) })
	if err != nil {
		t.Fatal(misses("%v", "hand on the Key of the Op: the same key is the same job, and the key of an effect is the same at every attempt", err))
	}
	for _, e := range x.stage.seen.where(func(e effect) bool { return e.remark != "" }) {
		t.Error(misses("%q was reported under the key %q: %s", "derive the key of an effect from its subject, so that two subjects never share one", e.Subject, e.key, e.remark))
	}
}

// keyed wants a job to have had no more effects than promised.
func (x *exercise) keyed(a *asked) error {
	g := x.system.Guarantees()
	var keys []string
	for _, e := range x.stage.seen.of(a.op.Subject) {
		if e.Kind != history.KindRecord && !slices.Contains(keys, e.key) {
			keys = append(keys, e.key)
		}
	}
	if len(keys) > 1 && (g.Effects == drills.ExactlyOnce || slices.Contains(g.Means, "key")) {
		return fmt.Errorf("%s took effect under several keys: %s", a.op.Subject, strings.Join(keys, ", "))
	}
	return nil
}

// rejectsCertain has answers get lost on their way to the client.
func (x *exercise) rejectsCertain(t *testing.T) {
	x.requireJobs(t)
	first := x.replicas[0]
	front := x.links("clients", first)
	for _, d := range []drills.Degradation{
		{Kind: drills.BlackHole, Direction: drills.Replies}, // what is asked arrives, and nobody hears of it
		{Kind: drills.BlackHole, Direction: drills.Both},
		{Kind: drills.Refuse},
	} {
		a := x.job()
		heal := degrade(t, d, front...)
		if x.try(t, first, a) == nil {
			t.Fatal(misses("a client acknowledges a job although nobody can have answered (%s, %s)",
				"have the client dial the link in front of its replica, and return nil only for an answer that says so", d.Kind, d.Direction))
		}
		x.requireNoneRejected(t)
		heal()
		x.take(t, first, a)
	}
	x.awaitEffects(t)
}

// requireNoneRejected wants no job to take effect that was rejected, and by
// nobody taken.
func (x *exercise) requireNoneRejected(t *testing.T) {
	t.Helper()
	var rejected []*asked
	for _, a := range x.asked {
		if !a.open {
			rejected = append(rejected, a)
		}
	}
	if len(rejected) == 0 {
		return
	}
	err := watch(x.settle, func() error {
		for _, a := range rejected {
			if len(x.stage.seen.of(a.op.Subject)) > 0 {
				return fmt.Errorf("%s was rejected, and took effect", a.op.Subject)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(misses("%v", "wrap drills.ErrRejected only where nothing can have happened, such as a refused connection: a lost answer is not a \"no\"", err))
	}
}
