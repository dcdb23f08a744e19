package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/reports"
)

// broken is a provider of nothing.
type broken struct {
	catalog.Provider
	calls atomic.Int64
	fail  func() error
}

func (b *broken) New(context.Context, string) (drills.Substrate, error) {
	b.calls.Add(1)
	return nil, b.fail()
}

func brokenSeries(t *testing.T, trials, parallel int, fail func() error) (*series, *broken, []catalog.Script) {
	t.Helper()
	system, err := catalog.Systems()[catalog.DefaultSystem].New()
	require.NoError(t, err)
	scripts, err := catalog.Scripts([]string{"calm", "leader-kill"})
	require.NoError(t, err)
	b := &broken{fail: fail}
	o := &runOptions{trials: trials, parallel: parallel, seed: 11, out: t.TempDir()}
	return &series{options: o, system: system, provider: b}, b, scripts
}

func TestNothingIsBegunAfterADrillThatCouldNotStart(t *testing.T) {
	for _, parallel := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d at a time", parallel), func(t *testing.T) {
			s, b, scripts := brokenSeries(t, 20, parallel, func() error { return errors.New("no more loopback addresses") })
			d, err := s.all(t.Context(), scripts)
			require.ErrorContains(t, err, "no more loopback addresses")
			require.LessOrEqual(t, b.calls.Load(), int64(parallel))
			require.Len(t, d.Runs, 1, "a scenario of which nothing was begun has no results")
			require.Equal(t, gates.Unknown, d.Verdict)
		})
	}
}

func TestACrashInADrillIsNoVerdict(t *testing.T) {
	s, _, scripts := brokenSeries(t, 1, 1, func() error { panic("out of luck") })
	_, err := s.all(t.Context(), scripts)
	var exit *exitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, exitCrash, exit.code)
	require.ErrorContains(t, err, "crashed in a drill of calm: out of luck")
}

func TestATrialIsRepeatedByItsSeedAlone(t *testing.T) {
	seen := map[uint64]bool{}
	for trial := 1; trial <= 1000; trial++ {
		seed := trialSeed(11, trial)
		require.False(t, seen[seed], "trial %d", trial)
		seen[seed] = true
		require.Equal(t, seed, trialSeed(seed, 1))
	}
	require.True(t, seen[11], "the first trial has the seed that was given")
}

func TestAHeadlineTellsWhyTheScriptBrokeOff(t *testing.T) {
	r := reports.Results{Verdict: gates.Fail, Gates: []reports.Gate{
		{Gate: "lost == 0", Verdict: gates.Fail, Why: "job/1 is lost"}, {Gate: "duplicates == 0", Verdict: gates.Pass},
	}}
	require.Equal(t, "fail: lost == 0", headline(r), "the report has the reasons of gates")
	r.Verdict, r.Gates[0].Verdict = gates.Unknown, gates.Unknown
	r.Why = []string{"the script was not followed: line 4: await steady: not within 30s: no replica runs\nnor did any", "no drain"}
	require.Equal(t, "unknown: lost == 0; the script was not followed: line 4: await steady: not within 30s: no replica runs; nor did any", headline(r))
}

func TestDrillsThatShareTheMachineDoNotJudgeTimes(t *testing.T) {
	parse := func(lines ...string) []catalog.Script {
		s, err := catalog.Parse("x.txtar", []byte("drain\n-- gates --\n"+strings.Join(lines, "\n")+"\n"))
		require.NoError(t, err)
		return []catalog.Script{s}
	}
	o := &runOptions{parallel: 1}
	require.NoError(t, o.share(parse("failover < 1s"), 2))
	o.parallel = 2
	require.NoError(t, o.share(parse("lost == 0", "failover.n >= 5", "availability >= 99%"), 2), "numbers are no times")
	require.ErrorContains(t, o.share(parse("lost == 0", "failover < 1s", "outage.p50 < 1s"), 2), "\n  x: failover < 1s, outage.p50 < 1s")
	o.times = true
	require.NoError(t, o.share(parse("failover < 1s"), 2))
	require.ErrorContains(t, o.share(nil, 1), "want a whole number from 1 to 1")
}

func TestAScenarioIsSkippedWhereItsFaultsAreLacking(t *testing.T) {
	s, b, _ := brokenSeries(t, 1, 1, func() error { return errors.New("nothing was to be started") })
	s.options.substrate, s.entry = "shore", catalog.SubstrateEntry{Lacks: map[string]string{"drop": "it has no packets"}}
	scripts, err := catalog.Scripts([]string{"leader-drop"})
	require.NoError(t, err)
	d, err := s.all(t.Context(), scripts)
	require.NoError(t, err)
	require.Zero(t, b.calls.Load())
	require.Len(t, d.Runs, 1)
	require.Equal(t, "shore lacks the fault drop: it has no packets", d.Runs[0].Skipped)
	require.Equal(t, gates.Unknown, d.Verdict, "nothing was drilled")
}
