package substratetest_test

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/drillrun/drillrun/drills"
)

// lie is what is wrong with a substrate.
type lie struct {
	process func(process) drills.Process
	link    func(drills.Link) drills.Link
	claims  string // a fault that it cannot bring about
	open    bool   // Close does nothing
}

// liar is a local substrate with a lie.
type liar struct {
	drills.Substrate
	lie lie
}

func (l *liar) Launch(ctx context.Context, spec drills.ProcessSpec) (drills.Process, error) {
	p, err := l.Substrate.Launch(ctx, spec)
	if err != nil || l.lie.process == nil {
		return p, err
	}
	return l.lie.process(p.(process)), nil
}

func (l *liar) Link(ctx context.Context, spec drills.LinkSpec) (drills.Link, error) {
	made, err := l.Substrate.Link(ctx, spec)
	if err != nil || l.lie.link == nil {
		return made, err
	}
	return l.lie.link(made), nil
}

func (l *liar) Close(ctx context.Context) error {
	if l.lie.open {
		return nil
	}
	return l.Substrate.Close(ctx)
}

// process is all that a process of local can.
type process interface {
	drills.Process
	drills.Ported
	drills.Exiter
	drills.Configurable
	drills.Pauser
	drills.Terminator
}

type polite struct{ process }

func (p polite) Kill(ctx context.Context) error {
	_, err := p.Terminate(ctx)
	return err
}

type gossip struct{ process }

func (p gossip) OnExit(f func(drills.Exit)) {
	p.process.OnExit(f)
	p.process.OnExit(f)
}

type restless struct{ process }

func (restless) Pause(context.Context) error { return nil }

type stubborn struct{ process }

func (p stubborn) Configure(variables ...string) {
	if len(variables) > 0 {
		p.process.Configure(variables...)
	}
}

type curt struct{ process }

func (p curt) Logs(ctx context.Context) (io.ReadCloser, error) {
	log, err := p.process.Logs(ctx)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(log)
	line, _, _ := strings.Cut(string(text), "\n")
	return io.NopCloser(strings.NewReader(line)), errors.Join(err, log.Close())
}

type boastful struct{ process }

func (boastful) Limit(context.Context, drills.Limits) error { return nil }

func (boastful) Usage(context.Context) (drills.Usage, error) { return drills.Usage{}, nil }

type robust struct{ drills.Link }

func (robust) Degrade(context.Context, drills.Degradation) error { return nil }

type blunt struct{ drills.Link }

func (l blunt) Degrade(ctx context.Context, d drills.Degradation) error {
	d.Direction = drills.Both
	return l.Link.Degrade(ctx, d)
}

type incurable struct{ drills.Link }

func (incurable) Heal(context.Context) error { return nil }
