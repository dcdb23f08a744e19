package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// Memory leaves processes less memory than they want: a limit that was set too
// low, a leak that has reached it. The kernel ends a victim in the middle of
// whatever it does, as SIGKILL does, but when it likes: when the victim asks for
// one page too many, which it does under load.
func Memory() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "memory",
			Usage:      "memory leader | follower | any | all | REPLICA limit=SIZE|+SIZE [for=DURATION] [&]",
			Summary:    "the process may have so much memory, and is ended by the kernel when it wants more",
			Doc:        "Stands for a limit that was set too low, or a leak that has reached it. limit=12MB is a bound; limit=+2MB is that much more than it holds. No kernel takes away what a process holds, so that a bound below it stands just above, and comes down as the victim gives memory back. Wants a substrate that can limit a process. Proved by the end of the victim, which the kernel says was for want of memory, and which is awaited: a victim that can go on proves nothing. It is started again without the limit after for=, by \"start victim\", or when the drill drains.",
			Check:      checkMemory,
			Aims:       atReplicas,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			most, err := parseMost(a.Options["limit"])
			return &memory{selector: a.Words[0], text: a.Options["limit"], most: most, set: map[string]int64{}, exits: map[string]drills.Exit{}}, err
		},
		Held: drills.HeldFor,
	}
}

func checkMemory(a drills.Args) error {
	if err := takesTargetWith(a, "limit", "for"); err != nil {
		return err
	}
	if _, ok := a.Options["limit"]; !ok {
		return errors.New("it needs a limit: write limit=12MB, or limit=+2MB for that much more than it holds")
	}
	_, err := parseMost(a.Options["limit"])
	_, errFor := a.Duration("for", 0)
	return errors.Join(err, errFor)
}

// most is how much memory a victim may have.
type most struct {
	bytes    int64
	relative bool // more than it holds
}

func parseMost(text string) (most, error) {
	size, relative := strings.CutPrefix(text, "+")
	bytes, err := drills.ParseSize(size)
	if err != nil {
		return most{}, fmt.Errorf("limit=%s: %w", text, err)
	}
	return most{bytes, relative}, nil
}

const (
	// A limit leaves some room above what a victim holds, the least of it first:
	// without any it would be refused, because the victim holds more by then, or
	// because the kernel is slow to take back the pages of its files.
	leastRoom = 64 << 10
	mostRoom  = 16 << 20
	// tightenEvery is how often a limit comes down after what a victim has given
	// back.
	tightenEvery = 100 * time.Millisecond
)

// of is the limit of a victim that holds so many bytes and is left so much room.
func (m most) of(held, room int64) int64 {
	if m.relative {
		return held + max(m.bytes, room)
	}
	return max(m.bytes, held+room)
}

type memory struct {
	selector string
	text     string // the limit as it was asked for
	most     most
	victims  []drills.Process
	squeezes *upkeep

	mu      sync.Mutex
	armed   bool                   // the victims are limited
	set     map[string]int64       // limits, by victim
	exits   map[string]drills.Exit // by victim
	refused error                  // the latest limit that could not be lowered
}

func (f *memory) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	victims, _, err := running(ctx, t, f.selector)
	if err != nil {
		return drills.Undo{}, err
	}
	if err := limitable(victims); err != nil {
		return drills.Undo{}, err
	}
	for _, p := range victims {
		if _, tells := p.(drills.Exiter); !tells {
			return drills.Undo{}, fmt.Errorf("%w: %s does not tell of its end", drills.ErrUnsupported, p.Info().Name)
		}
	}
	f.victims = victims
	return drills.Undo{Action: drills.ActionStart, Victims: names(victims)}, nil
}

func (f *memory) Inject(ctx context.Context) error {
	f.arm(true)
	for _, p := range f.victims {
		name := p.Info().Name
		p.(drills.Exiter).OnExit(func(x drills.Exit) { f.ended(name, x) })
	}
	if err := together(ctx, f.victims, "limit the memory of", f.squeeze); err != nil {
		return err
	}
	f.squeezes = keepUp(ctx, f.tighten)
	return nil
}

// squeeze sets the limit of a victim, if that is lower than the one it has. It
// may hold more than it was just said to by the time it is limited, or have ended
// already: Await asks of what.
func (f *memory) squeeze(ctx context.Context, p drills.Process) (err error) {
	for room := int64(leastRoom); room <= mostRoom; room *= 2 {
		var u drills.Usage
		if u, err = usage(ctx, p); errors.Is(err, drills.ErrNotRunning) {
			return nil
		} else if err != nil {
			return err
		}
		bytes := f.most.of(u.Memory, room)
		if !f.lower(p.Info().Name, bytes) {
			return nil
		}
		if err = confine(ctx, p, drills.Limits{Memory: bytes}); err == nil {
			f.note(p.Info().Name, bytes)
			return nil
		}
	}
	return err
}

// tighten has the limits follow down what the victims give back, until all have
// ended. One that is refused now may be taken later.
func (f *memory) tighten(ctx context.Context) error {
	for rest(ctx, tightenEvery) == nil {
		left := f.left()
		if len(left) == 0 {
			break
		}
		if err := together(ctx, left, "limit the memory of", f.squeeze); err != nil && ctx.Err() == nil {
			f.mu.Lock()
			f.refused = err
			f.mu.Unlock()
		}
	}
	return nil
}

func (f *memory) arm(armed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = armed
}

func (f *memory) ended(name string, x drills.Exit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.armed {
		f.exits[name] = x
	}
}

// lower says whether a limit is lower than the one that a victim has.
func (f *memory) lower(name string, bytes int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, limited := f.set[name]
	return !limited || bytes < now
}

func (f *memory) note(name string, bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set[name] = bytes
}

// left are the victims that have not ended.
func (f *memory) left() (left []drills.Process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.victims {
		if _, ended := f.exits[p.Info().Name]; !ended {
			left = append(left, p)
		}
	}
	return left
}

// Await wants every victim to be ended by the kernel, for want of memory.
func (f *memory) Await(ctx context.Context) (drills.Evidence, error) {
	err := until(ctx, "the kernel has ended every victim", func(context.Context) (bool, error) { return len(f.left()) == 0, nil })
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		return nil, errors.Join(err, f.refused)
	}
	for name, x := range f.exits {
		if !x.OutOfMemory {
			return nil, fmt.Errorf("%s has ended, and not for want of memory: status %d, signal %q", name, x.Code, x.Signal)
		}
	}
	return drills.Evidence{"ended_by": "the kernel, for want of memory", "ended": names(f.victims), "limit": f.text}, nil
}

// Recover lifts the limits before it starts what has ended.
func (f *memory) Recover(ctx context.Context) error {
	f.arm(false)
	err := errors.Join(f.squeezes.end(ctx), unlimited(ctx, f.victims), startAll(ctx, f.victims))
	if err != nil {
		return fmt.Errorf("give the victims their memory back: %w", err)
	}
	return nil
}
