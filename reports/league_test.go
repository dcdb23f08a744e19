package reports_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/reports"
)

func number(unit gates.Unit, value float64, n int) reports.Metric {
	return reports.Metric{Unit: unit, Value: &value, N: n}
}

// took is a time with those samples; one that is negative had not ended by then.
func took(all ...time.Duration) reports.Metric {
	var b gates.TimesBuilder
	for _, d := range all {
		b.Add(max(d, -d), d < 0)
	}
	return reports.Metric{Unit: gates.Duration, N: len(all), Times: b.Times()}
}

// led is what a system with a leader showed, and workers what one without did.
func led(scenario string) reports.Results {
	return reports.Results{
		Schema: reports.Schema, Verdict: gates.Pass, Scenario: scenario, System: "reference, replication off", Seed: 7,
		Repeat: "drillrun run " + scenario + " --seed 7 --trials 3",
		Gates:  []reports.Gate{{Gate: "failover < 30s", Metric: "failover", Verdict: gates.Pass}},
		Metrics: map[string]reports.Metric{
			"failover":     took(11*time.Millisecond, 13*time.Millisecond, 1840*time.Millisecond),
			"takeover":     took(2*time.Second, -4*time.Second),
			"outage":       took(30*time.Millisecond, 41*time.Millisecond, 250*time.Millisecond),
			"duplicates":   number(gates.Count, 0, 900),
			"redeliveries": number(gates.Count, 12, 900),
			"lost":         number(gates.Count, 0, 900),
			"throughput":   number(gates.Rate, 99.87, 900),
		},
		Faults: []reports.Fault{},
	}
}

func workers(scenario string) reports.Results {
	r := led(scenario)
	r.System = "journal"
	r.Metrics["failover"], r.Metrics["takeover"] = reports.Metric{Unit: gates.Duration}, reports.Metric{Unit: gates.Duration}
	r.Missing = map[string]string{"failover": "n/a: the system has no leader", "takeover": "no fault hit a replica with a job in hand"}
	r.Gates = append(r.Gates, reports.Gate{Gate: "unfenced == 0", Metric: "unfenced", Verdict: gates.NotApplicable})
	return r
}

// doubtful is workers, but for two trials of which one was cut short.
func doubtful(scenario string) reports.Results {
	r := workers(scenario)
	r.Verdict, r.Why = gates.Unknown, []string{"seed 9: the script was not followed: line 4: await steady"}
	r.Metrics["lost"], r.Missing["lost"] = reports.Metric{Unit: gates.Count}, "in 1 of 3 trials: there was no drain"
	r.Metrics["throughput"], r.Missing["throughput"] = reports.Metric{Unit: gates.Rate}, "in 1 of 3 trials: no operation was acknowledged"
	r.Missing["outage"] = r.Missing["throughput"]
	r.Gates = append(r.Gates,
		reports.Gate{Gate: "lost == 0", Metric: "lost", Verdict: gates.Unknown, Why: "there was no drain"},
		reports.Gate{Gate: "outage < 1ms", Metric: "outage", Verdict: gates.Unknown, Observed: "250 ms (max of 3)", Why: r.Why[0]})
	return r
}

// twice is a system that does things twice.
func twice(scenario string) reports.Results {
	r := workers(scenario)
	r.Verdict = gates.Fail
	r.Metrics["duplicates"] = number(gates.Count, 3, 900)
	r.Gates = append(r.Gates, reports.Gate{Gate: "duplicates == 0", Metric: "duplicates", Verdict: gates.Fail,
		Observed: "3 in 3 trials, worst 2", Why: `fail in 2 of 3 trials, as with seed 8: "job/7" <twice>`})
	return r
}

func league() reports.League {
	return reports.NewLeague(reports.Conditions{
		Command: "drillrun compare kill quiet leader-kill --systems reference,./journal|1.yaml --trials 3 --seed 7",
		Started: time.Date(2026, 11, 21, 7, 30, 0, 0, time.UTC), Seed: 7, Trials: 3, Substrate: "local", Cores: 2,
		Versions: map[string]string{"drillrun": "v1.2.3", "go": "go1.26.8", "os": "linux/amd64"},
		Systems: []reports.Entrant{
			{Name: "reference", From: "reference", Promises: []string{"jobs", "leader", "effects exactly-once", "key", "fencing"}},
			{Name: "journal", Version: "v1|2", From: "./journal|1.yaml", Promises: []string{"jobs", "effects exactly-once", "key"}},
		},
	}, []reports.Standing{
		{System: "reference", Result: led("kill")},
		{System: "journal", Result: twice("kill")},
		{System: "reference", Result: led("quiet")},
		{System: "journal", Result: doubtful("quiet")},
		{System: "reference", Result: led("leader-kill")},
		{System: "journal", Result: reports.Inapplicable("leader-kill", 7, "journal offers no leader")},
	})
}

func writeLeague(t *testing.T, writer reports.LeagueWriter, l reports.League) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, writer(&b, l))
	return b.Bytes()
}

func TestTheLeagueLooksAsItShould(t *testing.T) {
	for name, writer := range map[string]reports.LeagueWriter{
		"league.txt":       reports.Terminal{Width: 100}.WriteLeague,
		"league-color.txt": reports.Terminal{Width: 100, Color: true}.WriteLeague,
		"league.md":        reports.LeagueMarkdown,
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, writeLeague(t, writer, league())) })
	}
}

// What was not measured, or is not known for every trial, is never a number that
// looks like the whole.
func TestWhatIsNotKnownIsNoFigure(t *testing.T) {
	row := func(r reports.Results) []string {
		text := string(writeLeague(t, reports.LeagueMarkdown, reports.NewLeague(reports.Conditions{}, []reports.Standing{{System: "x", Result: r}})))
		for line := range strings.Lines(text) {
			if cells := strings.Split(strings.Trim(line, "| \n"), " | "); cells[0] == "s" {
				return cells[2 : len(cells)-1]
			}
		}
		require.Fail(t, "no row", text)
		return nil
	}
	require.Equal(t, []string{"13 ms", "1.84 s", "&gt; 4 s", "250 ms", "0", "12", "0", "99.9/s"}, row(led("s")))
	require.Equal(t, []string{"n/a", "n/a", "–", "250 ms", "0", "12", "0", "99.9/s"}, row(workers("s")))
	require.Equal(t, []string{"n/a", "n/a", "?", "?", "?", "?", "?", "?"}, row(doubtful("s")))
	partly := led("s")
	partly.Missing = map[string]string{"failover": "in 1 of 3 trials: the record ends before it does"}
	require.Equal(t, []string{"?", "≥ 1.84 s"}, row(partly)[:2])
	none := []string{"–", "–", "–", "–", "–", "–", "–", "–"}
	require.Equal(t, none, row(reports.Inapplicable("s", 1, "no leader")))
	require.Equal(t, none, row(reports.Skip("s", 1, "no nft")))
}

func TestTheLeagueAsJSONSaysAllOfIt(t *testing.T) {
	text := writeLeague(t, reports.LeagueJSON, league())
	var read reports.League
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, league().Conditions, read.Conditions)
	require.Equal(t, string(text), string(writeLeague(t, reports.LeagueJSON, read)))
}

func TestTheVerdictOfALeague(t *testing.T) {
	verdict := func(all ...reports.Results) (gates.Verdict, int) {
		var standings []reports.Standing
		for _, r := range all {
			standings = append(standings, reports.Standing{System: "x", Result: r})
		}
		l := reports.NewLeague(reports.Conditions{}, standings)
		return l.Verdict, l.ExitCode()
	}
	for name, test := range map[string]struct {
		of   []reports.Results
		want gates.Verdict
		exit int
	}{
		"what does not apply spoils nothing": {[]reports.Results{led("s"), reports.Inapplicable("s", 1, "no leader")}, gates.Pass, 0},
		"one that fails does":                {[]reports.Results{led("s"), twice("s"), doubtful("s")}, gates.Fail, 1},
		"so does one that is unknown":        {[]reports.Results{led("s"), doubtful("s")}, gates.Unknown, 2},
		"nothing drilled shows nothing":      {[]reports.Results{reports.Inapplicable("s", 1, "no leader")}, gates.Unknown, 2},
	} {
		t.Run(name, func(t *testing.T) {
			got, exit := verdict(test.of...)
			require.Equal(t, test.want, got)
			require.Equal(t, test.exit, exit)
		})
	}
}

func TestALeagueThatCannotBeWrittenIsToldOf(t *testing.T) {
	for name, writer := range reports.LeagueFormats() {
		require.ErrorIs(t, writer(brokenPipe{}, league()), io.ErrClosedPipe, name)
	}
}
