package gates_test

import (
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/gates/duplicates"
	"github.com/drillrun/drillrun/gates/failover"
	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/lost"
)

// sound is a drill in which everything went well.
const sound = `
0s    client/1  submit invoke  subject=job/1
10ms  client/1  submit ok      subject=job/1
20ms  witness   effect ok      replica=replica-1 subject=job/1 kind=once
1s    engine    drain invoke
5s    engine    drain ok       complete=true
5s    engine    end ok
`

func promising() history.Header {
	return history.Header{Guarantees: history.Guarantees{Leader: true, Jobs: true, Effects: "exactly-once"}}
}

func drill(t *testing.T, text string) gates.Source {
	t.Helper()
	events, err := gatetest.Parse(text)
	require.NoError(t, err)
	return history.New(promising(), events)
}

func compile(t testing.TB, lines ...string) (all []gates.Gate) {
	t.Helper()
	metrics := map[string]gates.Metric{
		"failover": failover.Metric(), "duplicates": duplicates.Metric(), "lost": lost.Metric(), "crashing": crashing(nil),
	}
	for _, line := range lines {
		g, err := gates.Compile(line, metrics)
		require.NoError(t, err)
		all = append(all, g)
	}
	return all
}

// crashing is a metric whose check panics at an event, or at its measure.
func crashing(at *uint64) gates.Metric {
	return gates.Metric{Name: "crashing", Unit: gates.Count, New: func(history.Header) gates.Meter { return crasher{at} }}
}

type crasher struct{ at *uint64 }

func (c crasher) Observe(e *gates.Event) {
	if c.at != nil && e.Seq == *c.at {
		panic("index out of range")
	}
}

func (c crasher) Measure() gates.Measurement { panic("nothing to measure") }

func TestASoundDrillPasses(t *testing.T) {
	j := gates.Judge(drill(t, sound), compile(t, "duplicates == 0", "lost == 0"), nil)
	require.Equal(t, gates.Pass, j.Verdict)
	require.Empty(t, j.Why)
	require.EqualValues(t, 6, j.Events)
	require.Len(t, j.Results, 2)
	require.Equal(t, "duplicates == 0", j.Results[0].Gate)
}

func TestAScenarioWithoutGatesIsUnknown(t *testing.T) {
	j := gates.Judge(drill(t, sound), nil, []gates.Metric{lost.Metric()})
	require.Equal(t, gates.Unknown, j.Verdict)
	require.Equal(t, []string{"the scenario has no gates"}, j.Why)
	require.Empty(t, j.Measurements["lost"].Missing, "metrics are measured all the same")
}

func TestNothingButInapplicableGatesIsUnknown(t *testing.T) {
	j := gates.Judge(history.New(history.Header{}, nil), compile(t, "duplicates == 0", "failover < 1s"), nil)
	require.Equal(t, gates.Unknown, j.Verdict)
	require.Contains(t, j.Why, "no gate applies to this system")
	require.Equal(t, gates.NotApplicable, j.Results[1].Verdict)
	require.Equal(t, "the system has no leader", j.Results[1].Why)
}

func TestAMissingGateDoesNotPass(t *testing.T) {
	j := gates.Judge(drill(t, sound), compile(t, "lost == 0", "failover < 1s"), nil)
	require.Equal(t, gates.Unknown, j.Verdict)
	require.Equal(t, gates.Pass, j.Results[0].Verdict)
	require.Equal(t, "no fault was injected", j.Results[1].Why)
}

func TestACrashedCheckIsUnknownAndHurtsNoOther(t *testing.T) {
	second := uint64(2)
	for name, at := range map[string]*uint64{"at an event": &second, "when it measures": nil} {
		t.Run(name, func(t *testing.T) {
			bad := crashing(at)
			g, err := gates.Compile("crashing == 0", map[string]gates.Metric{"crashing": bad})
			require.NoError(t, err)
			j := gates.Judge(drill(t, sound), append([]gates.Gate{g}, compile(t, "duplicates == 0", "lost == 0")...), nil)
			require.Equal(t, gates.Unknown, j.Verdict)
			require.Contains(t, j.Results[0].Why, "the check crashed: ")
			require.Equal(t, gates.Pass, j.Results[1].Verdict)
			require.Equal(t, gates.Pass, j.Results[2].Verdict)
		})
	}
}

func TestAMetricThatCannotBeMadeIsUnknown(t *testing.T) {
	j := gates.Judge(drill(t, sound), []gates.Gate{{Text: "odd == 0", Metric: gates.Metric{Name: "odd", Unit: gates.Count}, Op: "=="}}, nil)
	require.Equal(t, gates.Unknown, j.Results[0].Verdict)
	require.Contains(t, j.Results[0].Why, "the check crashed")
}

func TestDoubtsTurnAPassIntoUnknown(t *testing.T) {
	const followed = "6s engine end ok"
	for name, test := range map[string]struct{ faults, end, why string }{
		"the history has no end": {"", "", "the drill was cut short: its history has no end"},
		"the script was not followed": {"", `6s engine end info err="await new-leader: expired"`,
			"the script was not followed: await new-leader: expired"},
		"an event comes after the end": {"", followed + "\n6s replica-1 exit info", "event 8 comes after the end of the drill"},
		"a fault was planned and never injected": {`50ms fault/1 plan ok fault="kill leader"`, followed,
			`fault "kill leader" was planned and never injected`},
		"a fault could not be planned": {`50ms fault/1 plan fail fault="kill leader" err="no leader"`, followed,
			`fault "kill leader" could not be planned: no leader`},
		"a fault was never proved": {`50ms fault/1 inject invoke fault="kill leader"`, followed,
			`fault "kill leader" was never proved to be in effect`},
		"a fault was never recovered": {"50ms fault/1 inject invoke fault=cut\n60ms fault/1 inject ok fault=cut\n65ms client/1 submit fail subject=job/2", followed,
			`fault "cut" was never recovered`},
		"a recovery began and did not end": {
			"50ms fault/1 inject invoke fault=cut\n60ms fault/1 inject ok fault=cut\n65ms client/1 submit fail subject=job/2\n70ms fault/1 recover invoke fault=cut", followed,
			`fault "cut" was not seen to recover`},
	} {
		t.Run(name, func(t *testing.T) {
			text := `
0s    client/1  submit ok      subject=job/1
20ms  witness   effect ok      replica=replica-1 subject=job/1 kind=once
30ms  witness   effect ok      replica=replica-1 subject=job/2 kind=once
40ms  witness   effect ok      key=other replica=replica-1 subject=job/2 kind=once
` + test.faults + `
1s    engine    drain invoke
2s    engine    drain ok       complete=true
` + test.end + "\n"
			j := gates.Judge(drill(t, text), compile(t, "lost == 0", "duplicates == 0"), nil)
			require.Equal(t, gates.Unknown, j.Results[0].Verdict)
			require.Contains(t, j.Results[0].Why, test.why)
			require.Equal(t, gates.Fail, j.Results[1].Verdict, "a proven violation fails whatever else is unknown")
			require.Equal(t, gates.Fail, j.Verdict)
		})
	}
}

// source yields events and then an error, or panics.
type source struct {
	gates.Source
	then func(yield func(history.Event, error) bool)
}

func (s source) Events() iter.Seq2[history.Event, error] {
	return func(yield func(history.Event, error) bool) {
		for e, err := range s.Source.Events() {
			if !yield(e, err) {
				return
			}
		}
		s.then(yield)
	}
}

func TestARecordThatCannotBeBelievedGivesNoVerdict(t *testing.T) {
	duplicate := "0s witness effect ok subject=a kind=once\n0s witness effect ok subject=a kind=once\n" + sound
	gap := func(yield func(history.Event, error) bool) { yield(history.Event{Seq: 20, At: 1e12}, nil) }
	for name, test := range map[string]struct {
		src gates.Source
		why string
	}{
		"it ends without its seal": {source{drill(t, duplicate), func(yield func(history.Event, error) bool) {
			yield(history.Event{}, errors.New("history is not sealed"))
		}}, "history is not sealed"},
		"events are missing": {source{drill(t, duplicate), gap}, "event 20 follows event 8"},
		"time goes backwards": {source{drill(t, duplicate), func(yield func(history.Event, error) bool) {
			yield(history.Event{Seq: 9, At: 1}, nil)
		}}, "event 9 is earlier than the one before it"},
		"a detail is malformed": {source{drill(t, duplicate), func(yield func(history.Event, error) bool) {
			yield(history.Event{Seq: 9, At: 1e12, Op: history.OpEffect, Detail: []byte(`{"subject":`)}, nil)
		}}, "event 9: detail of effect"},
		"the reader crashes": {source{drill(t, duplicate), func(func(history.Event, error) bool) {
			panic("out of memory")
		}}, "reading it crashed: out of memory"},
	} {
		t.Run(name, func(t *testing.T) {
			j := gates.Judge(test.src, compile(t, "duplicates == 0", "lost == 0"), nil)
			require.Equal(t, gates.Unknown, j.Verdict)
			require.Contains(t, j.Broken, test.why)
			for _, r := range j.Results {
				require.Equal(t, gates.Unknown, r.Verdict, "a fail is not believed either")
				require.Contains(t, r.Why, "the record cannot be believed: ")
				require.Contains(t, r.Why, test.why)
			}
		})
	}
}

func TestAHistoryThatCannotBeOpenedIsUnknown(t *testing.T) {
	j := gates.Broken(compile(t, "duplicates == 0", "duplicates >= 1"), "no such file")
	require.Equal(t, gates.Unknown, j.Verdict)
	for _, r := range j.Results {
		require.Equal(t, gates.Unknown, r.Verdict)
		require.Equal(t, "the record cannot be believed: no such file", r.Why)
	}
}

// lossy is a drill in which a job was lost; what befell the drill comes between.
func lossy(befell, end string) string {
	return `
0s    load/1    load invoke    load=jobs rate=10
1ms   client/1  submit ok      subject=job/1
10ms  client/1  submit ok      subject=job/2
20ms  witness   effect ok      replica=replica-1 subject=job/2 kind=once key=a
30ms  witness   effect ok      replica=replica-1 subject=job/2 kind=once key=b
40ms  load/1    load ok        load=jobs rate=10
` + befell + `
3s    engine    drain invoke
8s    engine    drain ok       complete=true
` + end + "\n"
}

func TestWhatIsNoDoingOfTheSystemExcusesWhatItLeftUndone(t *testing.T) {
	const broken = `
1s  fault/1 inject invoke fault="kill leader" victims=replica-1
1s  fault/1 inject ok     fault="kill leader" victims=replica-1
`
	for name, test := range map[string]struct{ befell, why string }{
		"a recovery that failed": {broken + `2s fault/1 recover invoke
2s fault/1 recover info err="address in use"`, `fault "kill leader" was not seen to recover`},
		"a fault that was never recovered": {broken, `fault "kill leader" was never recovered`},
		"a fault that bit after its recovery": {"1s fault/1 inject invoke fault=cut\n1s fault/1 recover invoke\n2s fault/1 recover ok\n2s fault/1 inject ok fault=cut",
			`fault "cut" was proved to be in effect (event 10) after its recovery had begun (event 8)`},
		"a process that ended by itself": {"1s replica-2 exit info code=1", "replica-2 ended with exit code 1 (event 7), by no fault of the script's"},
		"a process that somebody else killed": {broken + "1s replica-2 exit info code=-1 signal=killed\n2s fault/1 recover invoke\n2s fault/1 recover ok",
			"replica-2 ended by a signal: killed (event 9), by no fault of the script's"},
		"a process that ended long after its fault": {broken + "1s fault/1 recover invoke\n1s fault/1 recover ok\n2500ms replica-1 exit info code=1 oom=true",
			"replica-1 ended for want of memory (event 11), by no fault of the script's"},
		"a harness without file descriptors": {`1s link/replica-1->postgres trouble info what="accept a connection" count=1 err="too many open files"`,
			"the harness failed to accept a connection (link/replica-1->postgres, event 7): too many open files"},
	} {
		t.Run(name, func(t *testing.T) {
			j := gates.Judge(drill(t, lossy(test.befell, "9s engine end ok")), compile(t, "lost == 0", "duplicates == 0"), nil)
			require.Equal(t, gates.Unknown, j.Results[0].Verdict, "observed %s", j.Results[0].Observed)
			require.Contains(t, j.Results[0].Why, test.why)
			require.Equal(t, gates.Fail, j.Results[1].Verdict, "an effect that took place twice is an act of the system's")
		})
	}
}

func TestWhatAFaultExplainsExcusesNothing(t *testing.T) {
	for name, befell := range map[string]string{
		"nothing befell it": "",
		"the victim of a fault ended": `
1s fault/1 inject invoke fault="kill leader" victims=replica-1
1s replica-1 exit info code=-1 signal=killed
1s fault/1 inject ok fault="kill leader" victims=replica-1
2s fault/1 recover invoke
2s fault/1 recover ok`,
		"a replica gave up while another was broken": `
1s fault/1 inject invoke fault="crash postgres" victims=postgres
1s fault/1 inject ok fault="crash postgres" victims=postgres
1s replica-1 exit info code=1
2s fault/1 recover invoke
2s fault/1 recover ok`,
		"the harness stood still before the drain": "2s harness stall info took=1s",
	} {
		t.Run(name, func(t *testing.T) {
			j := gates.Judge(drill(t, lossy(befell, "9s replica-1 exit info code=0\n9s engine end ok")), compile(t, "lost == 0"), nil)
			require.Equal(t, gates.Fail, j.Results[0].Verdict, j.Results[0].Why)
			require.Empty(t, j.Why)
		})
	}
}

func TestAStallInADrainIsOutlasted(t *testing.T) {
	for at, want := range map[string]gates.Verdict{"4500ms": gates.Unknown, "3500ms": gates.Fail} {
		text := strings.Replace(lossy("", "9s engine end ok"), "8s ", at+" harness stall info took=1200ms\n8s ", 1)
		events, err := gatetest.Parse(text)
		require.NoError(t, err)
		header := promising()
		header.Settle = 4 * time.Second
		j := gates.Judge(history.New(header, events), compile(t, "lost == 0"), nil)
		require.Equal(t, want, j.Results[0].Verdict, "a stall until %s: %s", at, j.Results[0].Why)
	}
}

func TestARecordWithoutHistoryIsToldNoUntruths(t *testing.T) {
	j := gates.Judge(lostHistory{}, compile(t, "failover < 5s", "duplicates == 0", "lost == 0"), nil)
	require.Equal(t, gates.Unknown, j.Verdict)
	for _, r := range j.Results {
		require.Equal(t, gates.Unknown, r.Verdict, "%s: %s", r.Gate, r.Why)
		require.Equal(t, "the record cannot be believed: there is no history", r.Why)
		require.Empty(t, j.Measurements[r.Metric].Inapplicable, "nobody knows what the system promised")
	}
}

// lostHistory is a record of which nothing is left, not even its header.
type lostHistory struct{}

func (lostHistory) Header() history.Header { return history.Header{} }

func (lostHistory) Events() iter.Seq2[history.Event, error] {
	return func(yield func(history.Event, error) bool) { yield(history.Event{}, errors.New("there is no history")) }
}
