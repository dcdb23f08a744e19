package reports_test

import (
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/reports"
)

// kill is one trial with those gates.
func kill(t *testing.T, seed uint64, took time.Duration, lines ...string) reports.Results {
	t.Helper()
	return drill(t, "leader-kill", seed, leaderKill(took, "")+drained, lines...)
}

// interrupted is a trial that was cut short.
func interrupted(t *testing.T, seed uint64, lines ...string) reports.Results {
	t.Helper()
	return drill(t, "leader-kill", seed, leaderKill(5*time.Millisecond, ""), lines...)
}

func gateOf(t *testing.T, r reports.Results, line string) reports.Gate {
	t.Helper()
	for _, g := range r.Gates {
		if g.Gate == line {
			return g
		}
	}
	require.Fail(t, "no such gate", line)
	return reports.Gate{}
}

func TestSamplesOfTrialsArePooled(t *testing.T) {
	merged := trials(t)
	require.Equal(t, 50, merged.Metrics["failover"].Times.Len())
	require.Zero(t, *merged.Metrics["duplicates"].Value)
	require.InDelta(t, 0.058, merged.ZeroBelow["duplicates"], 0.0005)
	require.NotContains(t, merged.ZeroBelow, "failover", "only counts have such a bound")
	require.Len(t, merged.Trials, 50)
	require.Len(t, merged.Faults, 50)
	require.Equal(t, gates.Fail, merged.Verdict)
	for i, trial := range merged.Trials {
		if i == 31 {
			require.Equal(t, gates.Fail, trial.Verdict)
			require.Equal(t, []string{"failover < 1s"}, trial.Failed)
			continue
		}
		require.Equal(t, gates.Pass, trial.Verdict, "a p99 that one trial cannot have is no fault of the trial")
	}
}

func TestARateOverTrialsIsThatOfAllTheirSeconds(t *testing.T) {
	trial := func(rate float64, n int) reports.Results {
		return reports.Results{Metrics: map[string]reports.Metric{"throughput": {Unit: gates.Rate, Value: &rate, N: n}}}
	}
	merged := reports.Merge([]reports.Results{trial(100, 100), trial(10, 90), trial(50, 100)}) // 1 s, 9 s, 2 s
	require.Equal(t, 290, merged.Metrics["throughput"].N)
	require.InDelta(t, 290.0/12, *merged.Metrics["throughput"].Value, 1e-9)
}

func TestAGateFailsIfItFailedInAnyTrial(t *testing.T) {
	merged := trials(t)
	g := gateOf(t, merged, "failover < 1s")
	require.Equal(t, gates.Fail, g.Verdict)
	require.Equal(t, "2 s (max of 50)", g.Observed)
	require.Contains(t, g.Why, "fail in 1 of 50 trials, as with seed 131")
	require.Contains(t, g.Repeat, "--seed 131", "the command repeats the trial that failed")
	require.Len(t, g.Events, reports.Around)
	require.Contains(t, merged.Trials[31].Repeat, "--seed 131")
	require.NotContains(t, merged.Trials[31].Repeat, "--trials", "exactly that trial")
	require.Contains(t, merged.Repeat, "--seed 100 --trials 50", "the whole again")
}

func TestQuantilesAreJudgedOverAllTrials(t *testing.T) {
	fast := kill(t, 1, 5*time.Millisecond, "failover.p99 < 300ms", "failover.p50 < 20ms")
	slow := kill(t, 2, time.Second, "failover.p99 < 300ms", "failover.p50 < 20ms")
	all := []reports.Results{slow, slow}
	for len(all) < gates.P99Samples {
		all = append(all, fast)
	}
	require.Equal(t, gates.Unknown, all[9].Verdict, "one trial alone has no p99")
	merged := reports.Merge(all)
	require.Equal(t, gates.Pass, merged.Verdict, "2 of 299 are above the bound: less than one in a hundred")
	require.Equal(t, "5 ms (p99 of 299)", gateOf(t, merged, "failover.p99 < 300ms").Observed)
	require.Equal(t, gates.Unknown, reports.Merge(all[1:]).Verdict, "298 samples are not enough")
}

func TestTheNumberOfSamplesIsThatOfEachTrial(t *testing.T) {
	line := "failover.n >= 2"
	one := kill(t, 1, 5*time.Millisecond, line)
	require.Equal(t, gates.Fail, one.Verdict)
	merged := reports.Merge([]reports.Results{one, kill(t, 2, 5*time.Millisecond, line)})
	require.Equal(t, gates.Fail, merged.Verdict, "two trials of one sample each have no trial of two")
	require.Equal(t, "1 samples in each of 2 trials", gateOf(t, merged, line).Observed)
	require.Equal(t, []string{line}, merged.Trials[1].Failed)
}

func TestAQuantileOverTrialsLeavesStallsOut(t *testing.T) {
	const line = "outage.p50 < 1s"
	text := "2900ms harness stall info took=2850ms\n"
	for _, want := range []struct {
		stall   string
		verdict gates.Verdict
	}{{"", gates.Fail}, {text, gates.Unknown}} {
		trial := func(seed uint64) reports.Results {
			return drill(t, "calm", seed, `
0s     load/1   load invoke  load=jobs rate=100 clients=4
10ms   client/1 submit ok    subject=job/1 intended=5ms
20ms +10ms x20 client/1 submit invoke subject=late/{n} intended=20ms
`+want.stall+`
3s     client/1 submit ok    subject=late/1 intended=20ms
3s     load/1   load ok      load=jobs rate=100 clients=4
9s     engine   end ok
`, line)
		}
		merged := reports.Merge([]reports.Results{trial(1), trial(2)})
		require.Equal(t, want.verdict, merged.Verdict, gateOf(t, merged, line).Why)
	}
}

func TestADoubtAboutOneTrialKeepsTheWholeFromPassing(t *testing.T) {
	lines := []string{"failover < 1s", "failover.p50 < 1s", "lost == 0"}
	merged := reports.Merge([]reports.Results{kill(t, 1, 5*time.Millisecond, lines...), interrupted(t, 2, lines...)})
	require.Equal(t, gates.Unknown, merged.Verdict)
	for _, line := range lines {
		require.Equal(t, gates.Unknown, gateOf(t, merged, line).Verdict, line)
	}
	require.Contains(t, merged.Why, "seed 2: the drill was cut short: its history has no end")
	require.Equal(t, gates.Pass, merged.Trials[0].Verdict)
	require.Equal(t, gates.Unknown, merged.Trials[1].Verdict)
	require.Nil(t, merged.Metrics["lost"].Value, "the sum of what is known is not the whole")
	require.Contains(t, merged.Missing["lost"], "in 1 of 2 trials: no drain was completed")
}

func TestAFailOfOneTrialOutweighsADoubtAboutAnother(t *testing.T) {
	merged := reports.Merge([]reports.Results{interrupted(t, 1, "failover < 1s"), kill(t, 2, 2*time.Second, "failover < 1s")})
	require.Equal(t, gates.Fail, merged.Verdict)
}

func TestACountThatWasNotZeroHasNoBound(t *testing.T) {
	twice := drill(t, "leader-kill", 2, leaderKill(5*time.Millisecond, "5s witness effect ok key=x subject=job/7 kind=once")+drained, "duplicates == 0")
	merged := reports.Merge([]reports.Results{kill(t, 1, 5*time.Millisecond, "duplicates == 0"), twice})
	require.NotContains(t, merged.ZeroBelow, "duplicates")
	require.InDelta(t, 0.776, merged.ZeroBelow["lost"], 0.0005, "1 - √0.05")
}

func TestAFailoverThatNeverCameStaysInThePool(t *testing.T) {
	dead := strings.ReplaceAll(leaderKill(time.Second, ""), "leadership=cron term=5", "leadership=other term=5")
	const line = "failover.p50 < 1s"
	all := []reports.Results{kill(t, 1, 5*time.Millisecond, line), drill(t, "leader-kill", 2, dead+drained, line), drill(t, "leader-kill", 3, dead+drained, line)}
	merged := reports.Merge(all)
	require.Equal(t, gates.Fail, merged.Verdict)
	require.Equal(t, 3, merged.Metrics["failover"].N)
	require.Equal(t, []time.Duration{12750 * time.Millisecond, 12750 * time.Millisecond}, merged.Metrics["failover"].Waited)
	text := string(write(t, reports.Terminal{}.Write, reports.NewDocument([]reports.Results{merged}, false)))
	require.Contains(t, text, "n 3, 2 of them never  min 5 ms  p50 > 12.8 s")
}

func TestCountsAreSummed(t *testing.T) {
	twice := drill(t, "leader-kill", 2, leaderKill(5*time.Millisecond, "5s witness effect ok key=x subject=job/7 kind=once\n5s witness effect ok key=y subject=job/8 kind=once")+drained, "duplicates == 0")
	once := drill(t, "leader-kill", 3, leaderKill(5*time.Millisecond, "5s witness effect ok key=x subject=job/7 kind=once")+drained, "duplicates == 0")
	merged := reports.Merge([]reports.Results{kill(t, 1, 5*time.Millisecond, "duplicates == 0"), twice, once})
	require.InDelta(t, 3, *merged.Metrics["duplicates"].Value, 0)
	require.Equal(t, "3 in 3 trials, worst 2", gateOf(t, merged, "duplicates == 0").Observed)
}

func TestLevelsAreNotSummed(t *testing.T) {
	trial := func(seed uint64, level float64) reports.Results {
		return reports.Results{
			Schema: reports.Schema, Scenario: "full", Seed: seed, Verdict: gates.Pass,
			Gates:   []reports.Gate{{Gate: "parallelism <= 20", Metric: "parallelism", Verdict: gates.Pass}},
			Metrics: map[string]reports.Metric{"parallelism": {Unit: gates.Level, Value: &level, N: 10}},
		}
	}
	merged := reports.Merge([]reports.Results{trial(1, 18), trial(2, 20), trial(3, 17)})
	require.InDelta(t, 20, *merged.Metrics["parallelism"].Value, 0)
	require.Equal(t, "17 to 20 in 3 trials", gateOf(t, merged, "parallelism <= 20").Observed)
	merged = reports.Merge([]reports.Results{trial(1, 11), trial(2, 11)})
	require.Equal(t, "11 in 2 trials", gateOf(t, merged, "parallelism <= 20").Observed)
	require.NotContains(t, reports.Merge([]reports.Results{trial(1, 0), trial(2, 0)}).ZeroBelow, "parallelism")
}

func TestTrialsThatDidNotRunAreLeftOut(t *testing.T) {
	skipped := reports.Skip("leader-kill", 1, "no nft")
	ran := kill(t, 2, 5*time.Millisecond, "failover < 1s")
	require.Equal(t, ran, reports.Merge([]reports.Results{skipped, ran}))
	require.Equal(t, skipped, reports.Merge([]reports.Results{skipped, skipped}))
	require.Equal(t, gates.Unknown, reports.Merge(nil).Verdict)
}

func TestALineThatATrialLacksIsUnknown(t *testing.T) {
	merged := reports.Merge([]reports.Results{kill(t, 1, 5*time.Millisecond, "lost == 0"), kill(t, 2, 5*time.Millisecond, "duplicates == 0")})
	require.Equal(t, gates.Unknown, merged.Verdict)
	require.Contains(t, merged.Gates[0].Why, "this line was not judged")
}

// failing reads once, for the judge, and fails when the report reads again.
type failing struct {
	gates.Source
	reads int
}

func (f *failing) Events() iter.Seq2[history.Event, error] {
	f.reads++
	if f.reads == 1 {
		return f.Source.Events()
	}
	return func(yield func(history.Event, error) bool) { yield(history.Event{}, errors.New("file is gone")) }
}

func TestEventsThatCannotBeReadAgainAreToldOf(t *testing.T) {
	events, err := gatetest.Parse(leaderKill(2*time.Second, "") + drained)
	require.NoError(t, err)
	src := &failing{Source: history.New(history.Header{Guarantees: history.Guarantees{Leader: true}}, events)}
	g, err := gates.Compile("failover < 1s", metrics())
	require.NoError(t, err)
	r := reports.Build(src, gates.Judge(src, []gates.Gate{g}, nil), reports.Place{})
	require.Equal(t, gates.Fail, r.Verdict)
	require.Contains(t, r.Why, "the events around the evidence cannot be shown: file is gone")
}
