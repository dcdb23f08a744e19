package faults

import (
	"context"
	"errors"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// CPU leaves processes a part of a core: a neighbour that takes the rest, a
// limit that was set too low. Everything goes on, late and in jerks: a process
// that has used its share up stands still until the next period of the kernel's
// scheduler, with its locks and leases in its hands.
func CPU() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "cpu",
			Usage:      "cpu leader | follower | waiter | any | all | REPLICA | STORE cores=NUMBER [for=DURATION] [&]",
			Summary:    "the process gets a part of a core, and stands still when that is used up",
			Doc:        "Stands for a busy neighbour or a limit that was set too low; cores=0.1 leaves it a tenth of a core. Wants a substrate that can limit a process. Proved by the kernel, by whose account the victim has been kept waiting since. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      checkCPU,
			Aims:       atTarget,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			cores, err := coresOf(a)
			return &cpu{selector: a.Words[0], cores: cores}, err
		},
		Held: drills.HeldFor,
		Mild: true,
	}
}

func checkCPU(a drills.Args) error {
	if err := takesTargetWith(a, "cores", "for"); err != nil {
		return err
	}
	if _, ok := a.Options["cores"]; !ok {
		return errors.New("it needs a limit: write cores=0.1")
	}
	_, err := coresOf(a)
	_, errFor := a.Duration("for", 0)
	return errors.Join(err, errFor)
}

// coresOf is the share that was asked for: at least what schedulers can give.
func coresOf(a drills.Args) (float64, error) { return a.Number("cores", 0.01, 64) }

// calmFor is how long a process must not be kept waiting to be called free.
const calmFor = 250 * time.Millisecond

type cpu struct {
	selector string
	cores    float64
	victims  []drills.Process
	before   map[string]time.Duration // for how long each had been kept waiting
}

func (f *cpu) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	victims, _, err := running(ctx, t, f.selector)
	if err != nil {
		return drills.Undo{}, err
	}
	if err := limitable(victims); err != nil {
		return drills.Undo{}, err
	}
	f.before = map[string]time.Duration{}
	for _, p := range victims {
		u, err := usage(ctx, p)
		if err != nil {
			return drills.Undo{}, err
		}
		f.before[p.Info().Name] = u.Throttled
	}
	f.victims = victims
	return drills.Undo{Action: drills.ActionHeal, Victims: names(victims)}, nil
}

func (f *cpu) Inject(ctx context.Context) error {
	return together(ctx, f.victims, "limit the cores of", func(ctx context.Context, p drills.Process) error {
		return confine(ctx, p, drills.Limits{CPU: f.cores})
	})
}

// Await waits until every victim has been kept waiting for a core.
func (f *cpu) Await(ctx context.Context) (drills.Evidence, error) {
	waited := map[string]int64{}
	for _, p := range f.victims {
		name := p.Info().Name
		err := until(ctx, name+" is kept waiting for a core", func(ctx context.Context) (bool, error) {
			u, err := usage(ctx, p)
			waited[name] = (u.Throttled - f.before[name]).Milliseconds()
			return u.Throttled > f.before[name], err
		})
		if err != nil {
			return nil, err
		}
	}
	return drills.Evidence{"cores": f.cores, "waited_ms": waited}, nil
}

// Recover lifts the limit and sees that nothing keeps the victims waiting.
func (f *cpu) Recover(ctx context.Context) error {
	if err := unlimited(ctx, f.victims); err != nil {
		return err
	}
	return together(ctx, f.victims, "free", func(ctx context.Context, p drills.Process) error {
		return until(ctx, "nothing keeps it waiting", func(ctx context.Context) (bool, error) { return calm(ctx, p) })
	})
}

// calm says that a process is not kept waiting for a while. One that does not
// run waits for nothing.
func calm(ctx context.Context, p drills.Process) (bool, error) {
	if p.Info().PID == 0 {
		return true, nil
	}
	before, err := usage(ctx, p)
	if err != nil {
		return false, err
	}
	if err := rest(ctx, calmFor); err != nil {
		return false, err
	}
	after, err := usage(ctx, p)
	return after.Throttled == before.Throttled, err
}
