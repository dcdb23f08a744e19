package faults_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

// boxed is a real process in a box that says what is asked of it and is told
// what to answer: how faults take it is shown here, what a kernel does with
// limits by the tests on containers.
type boxed struct {
	drills.Process

	mu       sync.Mutex
	usage    drills.Usage
	limits   []drills.Limits
	throttle time.Duration       // that each look finds while its cores are limited
	onExit   []func(drills.Exit) // told of every end
	oom      bool                // its ends are for want of memory
	full     int64               // bytes below which a limit ends it
}

func (b *boxed) Limit(ctx context.Context, l drills.Limits) error {
	b.mu.Lock()
	b.limits = append(b.limits, l)
	ends := l.Memory != 0 && l.Memory < b.full
	b.mu.Unlock()
	if ends {
		return b.end(ctx)
	}
	return nil
}

// end ends the process and tells of it.
func (b *boxed) end(ctx context.Context) error {
	err := b.Kill(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.onExit {
		f(drills.Exit{Code: -1, Signal: "killed", OutOfMemory: b.oom})
	}
	return err
}

func (b *boxed) Usage(context.Context) (drills.Usage, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Process.Info().PID == 0 {
		return drills.Usage{}, drills.ErrNotRunning
	}
	if n := len(b.limits); n > 0 && b.limits[n-1].CPU > 0 {
		b.usage.Throttled += b.throttle
	}
	return b.usage, nil
}

func (b *boxed) OnExit(f func(drills.Exit)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.onExit = append(b.onExit, f)
}

func (b *boxed) holds(bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.usage.Memory = bytes
}

// limited are the limits that it was given so far.
func (b *boxed) limited() []drills.Limits {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]drills.Limits(nil), b.limits...)
}

// box puts the only process of a target in a box.
func box(t *testing.T) (*victims, *boxed) {
	t.Helper()
	target := start(t, "replica-1")
	b := &boxed{Process: target.processes[0]}
	target.processes[0] = b
	return target, b
}

func TestAProcessThatIsKeptWaitingForACoreIsThrottled(t *testing.T) {
	target, b := box(t)
	b.throttle = time.Millisecond
	f := newFault(t, faults.CPU(), map[string]string{"cores": "0.1"}, "replica-1")
	undo, evidence := bite(t, f, target)
	require.Equal(t, drills.Undo{Action: drills.ActionHeal, Victims: []string{"replica-1"}}, undo)
	require.Contains(t, evidence["waited_ms"], "replica-1")
	require.NoError(t, f.Recover(t.Context()))
	require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")
	require.Equal(t, []drills.Limits{{CPU: 0.1}, {}, {}}, b.limited())
}

func TestAProcessThatNothingKeepsWaitingIsNotThrottled(t *testing.T) {
	target, _ := box(t)
	f := newFault(t, faults.CPU(), map[string]string{"cores": "0.5"}, "replica-1")
	_, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	require.NoError(t, f.Inject(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), briefly)
	defer cancel()
	_, err = f.Await(ctx)
	require.ErrorContains(t, err, "wait until replica-1 is kept waiting for a core")
	require.NoError(t, f.Recover(t.Context()))
}

func TestAProcessIsEndedForWantOfMemoryAndStartedAgain(t *testing.T) {
	target, b := box(t)
	b.oom, b.full = true, 20e6
	b.holds(30e6)
	f := newFault(t, faults.Memory(), map[string]string{"limit": "8MB"}, "replica-1")
	undo, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	require.Equal(t, drills.Undo{Action: drills.ActionStart, Victims: []string{"replica-1"}}, undo)
	require.NoError(t, f.Inject(t.Context()))
	b.holds(25e6)
	eventually(t, func() bool { return b.limited()[len(b.limited())-1].Memory < 26e6 }, "the limit follows what is given back")
	b.holds(10e6)
	evidence, err := f.Await(t.Context())
	require.NoError(t, err)
	require.Contains(t, evidence["ended_by"], "for want of memory")
	require.Zero(t, b.Info().PID)
	require.NoError(t, f.Recover(t.Context()))
	require.NotZero(t, b.Info().PID)
	require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")
	require.Equal(t, drills.Limits{}, b.limited()[len(b.limited())-1])
	bounds := b.limited()[:2]
	require.Greater(t, bounds[0].Memory, int64(30e6), "no kernel takes away what is held")
	require.Less(t, bounds[1].Memory, bounds[0].Memory)
}

func TestAProcessThatEndsOfSomethingElseWasNotSqueezed(t *testing.T) {
	target, b := box(t)
	b.holds(10e6)
	f := newFault(t, faults.Memory(), map[string]string{"limit": "+1MB"}, "replica-1")
	_, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	require.NoError(t, f.Inject(t.Context()))
	require.Equal(t, []drills.Limits{{Memory: 11e6}}, b.limited())
	require.NoError(t, b.end(t.Context()))
	_, err = f.Await(t.Context())
	require.ErrorContains(t, err, "replica-1 has ended, and not for want of memory")
	require.NoError(t, f.Recover(t.Context()))
	require.NotZero(t, b.Info().PID)
}

func TestAProcessThatCanGoOnWasNotSqueezed(t *testing.T) {
	target, b := box(t)
	f := newFault(t, faults.Memory(), map[string]string{"limit": "1GiB"}, "replica-1")
	_, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	require.NoError(t, f.Inject(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), briefly)
	defer cancel()
	_, err = f.Await(ctx)
	require.ErrorContains(t, err, "wait until the kernel has ended every victim")
	pid := b.Info().PID
	require.NoError(t, f.Recover(t.Context()))
	require.Equal(t, pid, b.Info().PID, "nothing is started that runs")
}

func TestLimitsSayWhatIsWrongWithTheirWords(t *testing.T) {
	for _, tt := range []struct {
		spec    drills.FaultSpec
		options map[string]string
		want    string
	}{
		{faults.CPU(), nil, "write cores=0.1"},
		{faults.CPU(), map[string]string{"cores": "0"}, "want a number from 0.01 to 64"},
		{faults.CPU(), map[string]string{"cores": "NaN"}, "want a number from 0.01 to 64"},
		{faults.CPU(), map[string]string{"cores": "5%"}, "want a number from 0.01 to 64"},
		{faults.CPU(), map[string]string{"cores": "1", "for": "soon"}, "not a duration"},
		{faults.CPU(), map[string]string{"limit": "8MB"}, "unknown option limit="},
		{faults.Memory(), nil, "write limit=12MB"},
		{faults.Memory(), map[string]string{"limit": "12"}, `limit=12: "12" is not a size: write for example 500KB, 12MB or 12MiB`},
		{faults.Memory(), map[string]string{"limit": "+-1MB"}, "is not a size"},
		{faults.Memory(), map[string]string{"limit": "0MB"}, "is not a size"},
		{faults.Memory(), map[string]string{"limit": "1e9GB"}, "is not a size"},
		{faults.Memory(), map[string]string{"limit": "8MB", "for": "0s"}, "not a positive duration"},
	} {
		err := tt.spec.Check(drills.Args{Words: []string{"leader"}, Options: tt.options})
		require.ErrorContains(t, err, tt.want, tt.spec.Name)
	}
	for _, size := range []string{"500KB", "1.5MB", "12MiB", "+2MB", "+64KiB", "1GB"} {
		require.NoError(t, faults.Memory().Check(drills.Args{Words: []string{"leader"}, Options: map[string]string{"limit": size}}), size)
	}
	require.True(t, faults.CPU().Mild, "the victim goes on")
	require.False(t, faults.Memory().Mild, "the victim ends")
}

func TestFaultsSayWhatASubstrateWouldHaveToHave(t *testing.T) {
	target := start(t, "replica-1")
	target.store(t, drills.RoleRedis)
	for _, tt := range []struct {
		spec    drills.FaultSpec
		options map[string]string
		word    string
		want    string
	}{
		{faults.CPU(), map[string]string{"cores": "0.1"}, "replica-1", "replica-1 shares the machine with everybody else"},
		{faults.Memory(), map[string]string{"limit": "8MB"}, "replica-1", "replica-1 shares the machine with everybody else"},
		{faults.Disconnect(), nil, "redis", "redis has no network of its own"},
		{faults.Drop(), nil, "replica-1->redis", "the link replica-1->redis goes through a proxy: packets can only be dropped on a direct link (system direct=redis)"},
	} {
		f := newFault(t, tt.spec, tt.options, tt.word)
		_, err := f.Plan(t.Context(), target)
		require.ErrorIs(t, err, drills.ErrUnsupported)
		require.ErrorContains(t, err, tt.want)
	}
	_, err := target.substrate.Link(t.Context(), drills.LinkSpec{From: "replica-1", To: "redis", Upstream: "127.0.0.1:1", Direct: true})
	require.ErrorIs(t, err, drills.ErrUnsupported)
}
