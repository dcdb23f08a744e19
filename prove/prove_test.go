package prove_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/prove"
	"github.com/drillrun/drillrun/reports"
)

// lossy loses jobs, which two scenarios should show.
var lossy = prove.Defect{Name: "lossy", Gate: "lost", Scenarios: []string{"cheap", "dear"}}

// stage answers drills and remembers them.
type stage struct {
	answers func(prove.Drill) (reports.Results, error)
	calm    reports.Results // where the faults are taken out; a pass if empty
	drilled []string
	told    []string
}

func (s *stage) config(trials int, all ...prove.Defect) prove.Config {
	return prove.Config{
		Defects: all, Trials: trials,
		Drill: func(_ context.Context, d prove.Drill) (reports.Results, error) {
			s.drilled = append(s.drilled, fmt.Sprintf("%s %s %d", d.Defect, d.Scenario, d.Trial))
			if !d.Faultless {
				return s.answers(d)
			}
			s.drilled[len(s.drilled)-1] += " without faults"
			if s.calm.Schema == 0 {
				return results("pass"), nil
			}
			return s.calm, nil
		},
		Tell: func(format string, args ...any) { s.told = append(s.told, fmt.Sprintf(format, args...)) },
	}
}

// answering lets every defect have these results, and the sound system pass.
func answering(r reports.Results) *stage {
	return &stage{answers: func(d prove.Drill) (reports.Results, error) {
		if d.Defect == "" {
			return results("pass"), nil
		}
		return r, nil
	}}
}

// results are those of a drill with gates on lost and outage, with that verdict
// on the former and on the latter.
func results(verdicts ...string) reports.Results {
	r := reports.Results{Schema: reports.Schema, Seed: 7, Repeat: "drillrun run x"}
	var all []gates.Verdict
	for i, word := range verdicts {
		var v gates.Verdict
		if err := v.UnmarshalText([]byte(word)); err != nil {
			panic(err)
		}
		metric := []string{"lost", "outage"}[i]
		r.Gates = append(r.Gates, reports.Gate{Gate: metric + " == 0", Metric: metric, Verdict: v, Why: "because"})
		all = append(all, v)
	}
	r.Verdict = gates.Worst(all...)
	return r
}

// sharp is what a scenario shows that catches every defect.
func sharp(d prove.Drill) reports.Results {
	if d.Defect == "" || d.Faultless {
		return results("pass")
	}
	return results("fail")
}

func run(t *testing.T, c prove.Config) reports.Matrix {
	t.Helper()
	m, err := prove.Run(t.Context(), c)
	require.NoError(t, err)
	return m
}

func TestADefectIsCaughtByTheGateThatNamesItsSymptom(t *testing.T) {
	s := answering(results("fail", "pass"))
	m := run(t, s.config(2, lossy))
	require.Equal(t, gates.Pass, m.Verdict)
	require.Zero(t, m.ExitCode())
	require.Equal(t, reports.Caught, m.Defects[0].Finding)
	require.Equal(t, "cheap", m.Defects[0].By)
	require.Equal(t, []string{" cheap 1", " cheap 2", "lossy cheap 1", "lossy cheap 2", "lossy cheap 1 without faults"}, s.drilled,
		"the sound system first, nothing dear once it is caught, and once without the faults")
	require.Equal(t, reports.Clean, m.Defects[0].Calm.Finding)
	require.Equal(t, []string{"the sound system: clean in cheap", "lossy: caught by lost in cheap"}, s.told)
}

func TestWhatIsNoCatch(t *testing.T) {
	broken := results("unknown", "pass")
	broken.Why = []string{"the script broke off"}
	skipped := reports.Skip("cheap", 7, "no network namespaces")
	for name, c := range map[string]struct {
		results reports.Results
		finding reports.Finding
		why     string
		verdict gates.Verdict
	}{
		"nothing failed":             {results("pass", "pass"), reports.Missed, "every gate passed", gates.Fail},
		"another gate alone":         {results("pass", "fail"), reports.Missed, "outage failed, and lost did not", gates.Fail},
		"another, and it is unknown": {results("unknown", "fail"), reports.Unclear, "outage failed, and lost is unknown", gates.Unknown},
		"an unknown verdict":         {results("pass", "unknown"), reports.Unclear, "outage == 0: because", gates.Unknown},
		"a drill that broke off":     {broken, reports.Unclear, "the script broke off", gates.Unknown},
		"a drill that was skipped":   {skipped, reports.Unclear, "no network namespaces", gates.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			m := run(t, answering(c.results).config(1, lossy))
			require.Equal(t, c.finding, m.Defects[0].Finding)
			require.Equal(t, c.verdict, m.Verdict)
			require.Len(t, m.Defects[0].Attempts, 2, "the dear scenario is tried, too")
			require.Equal(t, c.why, m.Defects[0].Attempts[0].Tries[0].Why)
			require.Nil(t, m.Defects[0].TimeToCatch)
		})
	}
}

func TestOneMissAmongTheTrialsIsAMiss(t *testing.T) {
	s := &stage{answers: func(d prove.Drill) (reports.Results, error) {
		if d.Scenario == "cheap" && d.Trial == 2 {
			return results("pass"), nil
		}
		return sharp(d), nil
	}}
	m := run(t, s.config(3, lossy))
	require.Equal(t, reports.Missed, m.Defects[0].Attempts[0].Finding)
	require.Len(t, m.Defects[0].Attempts[0].Tries, 3)
	require.Equal(t, "dear", m.Defects[0].By)
	require.Equal(t, gates.Pass, m.Verdict, "the next scenario caught it in all trials")

	once := lossy
	once.Scenarios = []string{"cheap"}
	m = run(t, s.config(3, once))
	require.Equal(t, gates.Fail, m.Verdict)
}

func TestAScenarioIsHeldAgainstTheSoundSystemOnce(t *testing.T) {
	other := prove.Defect{Name: "other", Gate: "outage", Scenarios: []string{"cheap"}}
	s := answering(results("fail", "fail"))
	m := run(t, s.config(1, lossy, other))
	require.Equal(t, []string{" cheap 1", "lossy cheap 1", "lossy cheap 1 without faults", "other cheap 1", "other cheap 1 without faults"}, s.drilled)
	require.Len(t, m.Sound, 1)
	require.Equal(t, []string{"lost", "outage"}, m.Defects[1].Attempts[0].Tries[0].Failed)
}

func TestDefectsAreTriedAtATimeAndTheSoundSystemOnceAllTheSame(t *testing.T) {
	var mu sync.Mutex
	drilled := map[string]int{}
	met := make(chan struct{}) // the drills of two defects meet here
	c := prove.Config{Trials: 2, Parallel: 2, Tell: func(string, ...any) {}}
	for _, name := range []string{"one", "two", "three", "four"} {
		c.Defects = append(c.Defects, prove.Defect{Name: name, Gate: "lost", Scenarios: []string{"shared"}})
	}
	c.Drill = func(_ context.Context, d prove.Drill) (reports.Results, error) {
		mu.Lock()
		drilled[d.Defect]++
		mu.Unlock()
		if d.Trial == 1 && !d.Faultless && (d.Defect == "one" || d.Defect == "two") {
			select {
			case met <- struct{}{}:
			case <-met:
			case <-time.After(10 * time.Second):
				return reports.Results{}, errors.New("no other defect is tried meanwhile")
			}
		}
		return sharp(d), nil
	}
	m := run(t, c)
	require.Equal(t, gates.Pass, m.Verdict)
	require.Equal(t, map[string]int{"": 2, "one": 3, "two": 3, "three": 3, "four": 3}, drilled)
	require.Equal(t, "three", m.Defects[2].Defect, "in the order in which they were given")
}

func TestAnAccusedSoundSystemFailsTheProof(t *testing.T) {
	s := &stage{answers: func(prove.Drill) (reports.Results, error) { return results("fail"), nil }}
	m := run(t, s.config(1, lossy))
	require.Equal(t, reports.Caught, m.Defects[0].Finding)
	require.Equal(t, reports.Accused, m.Sound[0].Finding)
	require.Equal(t, "lost failed", m.Sound[0].Tries[0].Why)
	require.Equal(t, gates.Fail, m.Verdict)
	require.Equal(t, 1, m.ExitCode())
}

func TestAnUnknownSoundSystemLeavesTheProofUnknown(t *testing.T) {
	s := &stage{answers: func(d prove.Drill) (reports.Results, error) {
		if d.Defect == "" {
			return results("unknown"), nil
		}
		return sharp(d), nil
	}}
	m := run(t, s.config(1, lossy))
	require.Equal(t, 2, m.ExitCode())
}

func TestTheTimeToCatchIsTheMedianOfTheTrials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{answers: func(d prove.Drill) (reports.Results, error) {
			time.Sleep([]time.Duration{9 * time.Second, time.Second, 2 * time.Second}[d.Trial-1])
			return sharp(d), nil
		}}
		m := run(t, s.config(3, lossy))
		require.Equal(t, 2*time.Second, m.Defects[0].TimeToCatch.Duration())
		require.Equal(t, 24*time.Second, m.Took.Duration())
	})
}

func TestABudgetThatIsUsedUpLeavesTheRestNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{answers: func(d prove.Drill) (reports.Results, error) {
			time.Sleep(10 * time.Second)
			return sharp(d), nil
		}}
		late := prove.Defect{Name: "late", Gate: "lost", Scenarios: []string{"cheap", "dear"}}
		c := s.config(1, lossy, late)
		c.Budget = 15 * time.Second // the sound system, and lossy which begins within it
		m := run(t, c)
		require.Equal(t, []string{" cheap 1", "lossy cheap 1"}, s.drilled)
		require.Equal(t, "cheap", m.Defects[0].By)
		require.Equal(t, reports.NotRun, m.Defects[0].Finding, "nobody knows what it shows without faults")
		require.Equal(t, reports.NotRun, m.Defects[1].Finding)
		require.Equal(t, gates.Unknown, m.Verdict)
	})
}

func TestAMissOutweighsWhatWasNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{answers: func(prove.Drill) (reports.Results, error) {
			time.Sleep(10 * time.Second)
			return results("pass"), nil
		}}
		once := lossy
		once.Scenarios = []string{"cheap"}
		c := s.config(1, once, lossy)
		c.Budget = 25 * time.Second
		m := run(t, c)
		require.Equal(t, reports.Missed, m.Defects[0].Finding)
		require.Equal(t, reports.NotRun, m.Defects[1].Finding, "it escaped the cheap scenario, and was never held against the dear one")
		require.Equal(t, gates.Fail, m.Verdict)
	})
}

func TestAnInterruptionKeepsWhatWasFound(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	s := &stage{answers: func(d prove.Drill) (reports.Results, error) {
		if d.Defect == "other" {
			interrupt()
			return reports.Results{}, ctx.Err()
		}
		return sharp(d), nil
	}}
	other := prove.Defect{Name: "other", Gate: "lost", Scenarios: []string{"cheap", "dear"}}
	m, err := prove.Run(ctx, s.config(1, lossy, other))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, reports.Caught, m.Defects[0].Finding)
	require.Equal(t, reports.NotRun, m.Defects[1].Finding)
	require.Len(t, s.drilled, 4, "nothing is begun after an interruption")
}

func TestADrillThatCannotBeStartedEndsTheProof(t *testing.T) {
	noPostgres := errors.New("no postgres")
	s := &stage{answers: func(prove.Drill) (reports.Results, error) { return reports.Results{}, noPostgres }}
	m, err := prove.Run(t.Context(), s.config(1, lossy))
	require.ErrorIs(t, err, noPostgres)
	require.Len(t, s.drilled, 1)
	require.Equal(t, gates.Unknown, m.Verdict)
}

func TestNothingProvedProvesNothing(t *testing.T) {
	require.Equal(t, gates.Unknown, run(t, (&stage{}).config(1)).Verdict)
}

func TestWithinKeepsTheScenariosThatWereAskedFor(t *testing.T) {
	other := prove.Defect{Name: "other", Scenarios: []string{"elsewhere"}}
	kept := prove.Within([]prove.Defect{lossy, other}, []string{"dear"})
	require.Len(t, kept, 1)
	require.Equal(t, []string{"dear"}, kept[0].Scenarios)
	require.Equal(t, []string{"cheap", "dear"}, lossy.Scenarios)
}
