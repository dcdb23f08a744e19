package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

const (
	// maxInFlight bounds the submissions under way; beyond it the schedule waits,
	// and the wait counts as latency.
	maxInFlight = 2000
	// maxTurns is how many submissions a client tries at a time; the others queue,
	// and their wait counts as latency. While the system fails its queue may grow,
	// what is asked of it may not: ten seconds of submissions, all tried again and
	// again, would keep down a system that can well carry the load.
	maxTurns = 8
	// turnLimit is how long a submission queues: a little longer than those before
	// it try and rest, so that a system which answers, if only to refuse, is asked
	// for each of them.
	turnLimit = giveUp + 2*longestRest
)

// Workload is what a load submits.
type Workload struct {
	Name    string  // as the script has it: "jobs"
	Line    int     // of the script: loads that begin together are told apart by it
	Rate    float64 // submissions a second, on average
	Clients int
	Kind    string      // kind of job; empty for the system's default
	Work    drills.Span // how long a job works before its effect; zero for not at all
	Poison  float64     // share of jobs that cannot be done, from 0 to 1
	Keys    int         // how many concurrency keys the jobs share; 0 for none
}

// load is one running load: an open loop, in which the schedule never waits
// for an answer.
type load struct {
	drill   *Drill
	work    Workload
	number  int // of all loads, as they happened to begin
	round   int // of those of its line, from 1
	clients []*client
	turns   []chan struct{} // by client: as many as it may take are in it
	// schedule ends with the limit or a stop; submissions under way go on then.
	schedule context.Context
	stop     context.CancelFunc
	done     chan struct{}
}

// BeginLoad has the drill know of a load, so that it can be ended. The rest submits
// jobs until the limit, a stop or the end of either context, and returns once the
// last submission has ended.
func (d *Drill) BeginLoad(ctx context.Context, w Workload, limit time.Duration) (rest func(context.Context) error, err error) {
	schedule, stop := context.WithTimeout(ctx, limit)
	l := &load{drill: d, work: w, schedule: schedule, stop: stop, done: make(chan struct{})}
	if err := d.loads.begin(l, d.Now()); err != nil {
		stop()
		return nil, err
	}
	return l.run, nil
}

func (l *load) run(ctx context.Context) error {
	defer l.drill.loads.end(l)
	defer l.stop()
	unhook := context.AfterFunc(ctx, l.stop)
	defer unhook()
	if err := l.open(ctx); err != nil {
		return errors.Join(err, l.close())
	}
	l.note(history.Invoke)
	err := l.submitAll(ctx)
	l.note(history.OK)
	return errors.Join(err, l.close())
}

func (l *load) note(phase history.Phase) {
	l.drill.cfg.Log.Append(history.Event{
		Actor: "load/" + strconv.Itoa(l.number), Op: history.OpLoad, Phase: phase,
		Detail: history.Detail(history.Load{Load: l.work.Name, Rate: l.work.Rate, Clients: l.work.Clients}),
	})
}

// submitAll follows the schedule: gaps are drawn from the seed with the mean
// that the rate asks for, so that submissions meet every phase of a fault.
func (l *load) submitAll(ctx context.Context) error {
	random := l.drill.Stream(fmt.Sprintf("load of line %d", l.work.Line))
	// A stream of its own: with keys and without, a seed gives the same jobs.
	keys := l.drill.Stream(fmt.Sprintf("concurrency keys of line %d", l.work.Line))
	crashed := make(chan error, 1) // the first panic of a submission
	var inFlight sync.WaitGroup
	slots := make(chan struct{}, maxInFlight)
	next := l.drill.Now()
	for i := 0; ; i++ {
		next += time.Duration(random.ExpFloat64() / l.work.Rate * float64(time.Second))
		if Pause(l.schedule, max(0, next-l.drill.Now())) != nil {
			break
		}
		op := l.op(i, random)
		op.ConcurrencyKey = l.concurrencyKey(keys)
		slots <- struct{}{}
		at, intended := i%len(l.clients), next
		inFlight.Go(func() {
			defer func() { <-slots }()
			if err := survive(func() error { l.inTurn(ctx, at, op, intended); return nil }); err != nil {
				l.crash(crashed, op, err)
			}
		})
	}
	inFlight.Wait()
	close(crashed)
	return <-crashed
}

// crash ends the load over a submission that panicked.
func (l *load) crash(crashed chan<- error, op drills.Op, err error) {
	select {
	case crashed <- fmt.Errorf("submit %s: %w", op.Key, err):
	default:
	}
	l.stop()
}

// inTurn submits once it is that submission's turn with its client. One that
// queues in vain is given up (info), although it was certainly not carried out:
// a refusal (fail) would have waited for nothing, and this one has waited.
func (l *load) inTurn(ctx context.Context, at int, op drills.Op, intended time.Duration) {
	c, turns := l.clients[at], l.turns[at]
	late := time.NewTimer(turnLimit)
	defer late.Stop()
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
		c.submit(ctx, op, intended)
	case <-late.C:
		detail := submission(op, intended)
		c.note(op, history.Invoke, detail, nil)
		c.note(op, history.Info, detail, fmt.Errorf("gave up after %v in the queue of its client", turnLimit))
	case <-ctx.Done():
	}
}

// poisonous is how long a poisoned job asks to work.
const poisonous = -time.Millisecond

// op makes the i-th submission of the load: the same for the same seed, but for
// the mark of the drill in its key.
func (l *load) op(i int, random *rand.Rand) drills.Op {
	key := fmt.Sprintf("%x%s-%d-%d-%d", l.drill.cfg.Seed, l.drill.mark, l.work.Line, l.round, i)
	op := drills.Op{Name: "submit", Kind: l.work.Kind, Key: key, Subject: "job/" + key}
	work := Draw(random, l.work.Work)
	if l.work.Poison > 0 && random.Float64() < l.work.Poison {
		op.Subject, work = history.PoisonPrefix+key, poisonous
	}
	if work != 0 {
		op.Args = fmt.Appendf(nil, `{"work_ms":%d}`, work.Milliseconds())
	}
	return op
}

// concurrencyKey draws one of the keys. They are named alike in every load, so
// that loads share them.
func (l *load) concurrencyKey(random *rand.Rand) string {
	if l.work.Keys == 0 {
		return ""
	}
	return "key-" + strconv.Itoa(1+random.IntN(l.work.Keys))
}

func (l *load) open(ctx context.Context) error {
	for i := range l.work.Clients {
		c, err := l.drill.openClient(ctx, "client/"+strconv.Itoa(i+1), i)
		l.clients, l.turns = append(l.clients, c), append(l.turns, make(chan struct{}, maxTurns))
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *load) close() error {
	var errs []error
	for _, c := range l.clients {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}
