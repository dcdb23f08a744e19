package scenarios_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/scenarios"
)

// words are verbs that stand for every shape of a step.
func words() map[string]drills.VerbSpec {
	return map[string]drills.VerbSpec{
		"load": {Name: "load", Usage: "load jobs [rate=N/s] [for=DURATION] [&]", Background: true, Check: func(a drills.Args) error {
			return a.Takes(1, 1, "rate", "for")
		}, Endless: func(a drills.Args) bool { return a.Options["for"] == "" }, Lasts: held},
		"cut":   {Name: "cut", Usage: "cut [for=DURATION]", Check: func(a drills.Args) error { return a.Takes(0, 0, "for") }, Lasts: held},
		"kill":  {Name: "kill", Usage: "kill TARGET", Check: func(a drills.Args) error { return a.Takes(1, 1) }},
		"read":  {Name: "read", Usage: "read jobs", After: "drain", Check: func(a drills.Args) error { return a.Takes(1, 1) }},
		"drain": {Name: "drain", Usage: "drain", Check: func(a drills.Args) error { return a.Takes(0, 0) }},
	}
}

// held is how long a step with for= lasts.
func held(a drills.Args) time.Duration {
	hold, _ := drills.HeldFor(a)
	return hold
}

func parse(source string) (*drills.Scenario, error) {
	return scenarios.Parse("game.txtar", []byte(source), words())
}

func TestAScriptIsReadWhole(t *testing.T) {
	s, err := parse(`# game: the leader dies twice
requires leader jobs
system leadership=spread
replicas 5
abort when duplicates >= 1   # operators are no options

load jobs rate=200/s &   # in the background
repeat 2
  kill leader
end
drain

-- gates --
failover < 30s   # generous
lost == 0
`)
	require.NoError(t, err)
	require.Equal(t, "the leader dies twice", s.Summary)
	require.Equal(t, 5, s.Replicas)
	require.Equal(t, []string{"leader", "jobs"}, s.Requires)
	require.Equal(t, map[string]string{"leadership": "spread"}, s.Options)
	require.Len(t, s.Steps, 3)
	require.Equal(t, drills.Step{
		Line: 7, Text: "load jobs rate=200/s &", Verb: "load", Background: true,
		Args: drills.Args{Words: []string{"jobs"}, Options: map[string]string{"rate": "200/s"}},
	}, s.Steps[0])
	require.Equal(t, 2, s.Steps[1].Repeat)
	require.Equal(t, "kill leader", s.Steps[1].Body[0].Text)
	require.Equal(t, []drills.GateLine{{Line: 14, Text: "failover < 30s"}, {Line: 15, Text: "lost == 0"}}, s.Gates)
	require.Equal(t, []drills.GateLine{{Line: 5, Text: "duplicates >= 1"}}, s.Aborts)
}

func TestMistakesNameTheirLineAndWhatToWrite(t *testing.T) {
	const gates = "\n-- gates --\nlost == 0\n"
	cases := map[string]struct{ source, want string }{
		"a misspelt verb":                {"drain\nkil leader" + gates, `game.txtar:2: kil leader: unknown verb "kil": did you mean "kill"?`},
		"a misspelt option":              {"load jobs rat=3" + gates, "game.txtar:1: load jobs rat=3: unknown option rat=: it takes rate=, for= (usage: load jobs"},
		"an option without a value":      {"load jobs rate=" + gates, "an option is written name=value"},
		"an option given twice":          {"load jobs rate=1/s rate=2/s" + gates, "option rate= is given twice"},
		"a word too much":                {"kill leader now" + gates, `takes at most 1 word, has 2: "now" is too much`},
		"a word too few":                 {"kill" + gates, "takes 1 word, has 0"},
		"a step before another's turn":   {"read jobs\ndrain" + gates, `game.txtar:1: read jobs: must stand after "drain" (usage: read jobs)`},
		"a fault in the background":      {"kill leader &" + gates, "cannot run in the background: remove the &"},
		"a repeat without an end":        {"repeat 3\nkill leader" + gates, `game.txtar:1: repeat 3: has no end: write "end"`},
		"an end without a repeat":        {"drain\nend" + gates, "game.txtar:2: end: there is no repeat to end"},
		"a repeat of nothing":            {"repeat 3\nend" + gates, "the repeat of line 1 repeats nothing"},
		"a repeat of no number":          {"repeat often\ndrain\nend" + gates, "want a whole number from 1 to 1000"},
		"too many replicas":              {"replicas 99\ndrain" + gates, "want a whole number from 1 to 9"},
		"a directive after a step":       {"drain\nreplicas 3" + gates, `"replicas" must stand before the first step`},
		"an abort after a step":          {"drain\nabort when lost > 0" + gates, `"abort" must stand before the first step`},
		"an abort without a condition":   {"abort when\ndrain" + gates, `game.txtar:1: abort when: write "abort when" and what is more than its bound`},
		"options without a value":        {"system spread\ndrain" + gates, `game.txtar:1: system spread: write the system's options as NAME=VALUE`},
		"an unknown capability":          {"requires ledger\ndrain" + gates, `unknown capability "ledger": did you mean "leader"?`},
		"a load without an end":          {"load jobs rate=1/s" + gates, "game.txtar:1: load jobs rate=1/s: would never end: add & or for="},
		"a load with an end":             {"load jobs for=1s" + gates, ""},
		"a load in the background":       {"load jobs &" + gates, ""},
		"too many steps":                 {nested(3, 1000, "drain") + gates, "game.txtar:1: repeat 1000: the script takes 1e+09 steps up to here, and may take 100000"},
		"repeats that are deep":          {nested(8, 1, "drain") + gates, ""},
		"repeats that are too deep":      {nested(9, 1, "drain") + gates, "game.txtar:9: repeat 1: stands in 8 others, which is as deep as repeats go"},
		"repeats without a bottom":       {strings.Repeat("repeat 2\n", 4000) + strings.Repeat("end\n", 4000) + gates, "game.txtar:9: repeat 2: stands in 8 others"},
		"too long a script":              {"cut for=20h\ncut for=5h" + gates, "game.txtar:2: cut for=5h: the script takes 25 hours up to here, and may take 24"},
		"too long by repetition":         {nested(1, 1000, "cut for=2m") + gates, "game.txtar:1: repeat 1000: the script takes 33.33 hours"},
		"too many lines":                 {strings.Repeat("drain\n", 10_001), "game.txtar:10000: a script may have 10000 lines"},
		"a byte order mark is no error":  {"\ufeffdrain" + gates, ""},
		"text of another coding":         {"d\x00r\x00a\x00i\x00n\x00\n\x00", "game.txtar:1: it is UTF-16: save it as UTF-8"},
		"a program":                      {"\x7fELF\x02\x00\x00\n\x01" + gates, "game.txtar:1: it is no text: it has zero bytes"},
		"a line that takes over":         {"kil \x1b[31mleader" + gates, `game.txtar:1: kil \x1b[31mleader: unknown verb "kil"`},
		"a line that is long":            {"kil " + strings.Repeat("x", 200_000) + gates, "kil " + strings.Repeat("x", 156) + "…: unknown verb"},
		"no steps":                       {"# nothing" + gates, "the script has no steps"},
		"no gates":                       {"drain\n", "no gates: end the script with"},
		"a section that means nothing":   {"drain" + gates + "-- gatse --\nx\n", "game.txtar:4: -- gatse --: unknown section"},
		"two sections of gates":          {"drain" + gates + "-- gates --\nlost == 0\n", "game.txtar:4: -- gates --: a second section of gates"},
		"windows line ends are no error": {"drain\r\n-- gates --\r\nlost == 0\r\n", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := parse(c.source)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

// nested has repeats in each other around a step.
func nested(deep, times int, step string) string {
	return strings.Repeat(fmt.Sprintf("repeat %d\n", times), deep) + step + strings.Repeat("\nend", deep)
}

func TestOfManyMistakesTwentyAreTold(t *testing.T) {
	_, err := parse(strings.Repeat("kil leader\n", 500) + "-- gates --\nlost == 0\n")
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok)
	require.Len(t, joined.Unwrap(), 21)
	require.EqualError(t, joined.Unwrap()[20], "game.txtar:21: and 480 more mistakes from here on")
}

func TestEveryMistakeIsToldAtOnce(t *testing.T) {
	_, err := parse("kil leader\nload jobs rat=1\nrepeat 2\n")
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok)
	require.Len(t, joined.Unwrap(), 3)
	var line *drills.LineError
	require.ErrorAs(t, err, &line)
	require.Equal(t, 1, line.Line)
}

func TestBuiltInScenariosCanBeRead(t *testing.T) {
	require.Contains(t, scenarios.Names(), "leader-kill")
	for _, name := range scenarios.Names() {
		file, source, err := scenarios.Source(name)
		require.NoError(t, err)
		require.Equal(t, name+".txtar", file)
		require.True(t, strings.HasPrefix(string(source), "# "+name+": "), "%s begins with its name and summary", file)
	}
}
