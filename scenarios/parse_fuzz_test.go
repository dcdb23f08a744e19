package scenarios_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/scenarios"
)

// Whatever a script is, it is either taken and means the same when it is
// written out and read again, or each mistake names a line that is there.
func FuzzParse(f *testing.F) {
	for _, name := range scenarios.Names() {
		_, source, err := scenarios.Source(name)
		require.NoError(f, err)
		f.Add(source)
	}
	for _, source := range []string{"", " ", "drain\n--  gates  --\n\n#\nlots == 0", "repeat 2\n-- gatse --\r\n-- gates --"} {
		f.Add([]byte(source))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		script, err := catalog.Parse("fuzz.txtar", source)
		if err != nil {
			requireLines(t, err, 1+bytes.Count(source, []byte("\n")))
			return
		}
		require.NotEmpty(t, script.Steps)
		require.Len(t, script.Gates, len(script.Scenario.Gates))
		require.NotEmpty(t, script.Gates)
		again, err := catalog.Parse("fuzz.txtar", []byte(written(script.Scenario)))
		require.NoError(t, err, "%q", written(script.Scenario))
		require.Equal(t, meaning(script.Scenario), meaning(again.Scenario))
	})
}

// requireLines wants every error to be one of a line from 1 to last.
func requireLines(t *testing.T, err error, last int) {
	t.Helper()
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			requireLines(t, e, last)
		}
		return
	}
	var line *drills.LineError
	require.ErrorAs(t, err, &line)
	require.Equal(t, "fuzz.txtar", line.File)
	require.True(t, 1 <= line.Line && line.Line <= last, "line %d of %d: %v", line.Line, last, err)
}

// written is the scenario as a script.
func written(s *drills.Scenario) string {
	var text strings.Builder
	fmt.Fprintf(&text, "replicas %d\n", s.Replicas)
	for _, capability := range s.Requires {
		fmt.Fprintf(&text, "requires %s\n", capability)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Options)) {
		fmt.Fprintf(&text, "system %s=%s\n", name, s.Options[name])
	}
	for _, a := range s.Aborts {
		fmt.Fprintf(&text, "abort when %s\n", a.Text)
	}
	writeSteps(&text, s.Steps)
	text.WriteString("-- gates --\n")
	for _, g := range s.Gates {
		fmt.Fprintf(&text, "%s\n", g.Text)
	}
	return text.String()
}

func writeSteps(text *strings.Builder, steps []drills.Step) {
	for _, s := range steps {
		fmt.Fprintf(text, "%s\n", s.Text)
		if s.Verb == "repeat" {
			writeSteps(text, s.Body)
			text.WriteString("end\n")
		}
	}
}

// meaning is the scenario without the places where it was found.
func meaning(s *drills.Scenario) drills.Scenario {
	m := *s
	m.Source, m.Summary = nil, ""
	m.Aborts, m.Gates, m.Steps = unplacedGates(s.Aborts), unplacedGates(s.Gates), unplacedSteps(s.Steps)
	return m
}

func unplacedSteps(steps []drills.Step) (all []drills.Step) {
	for _, s := range steps {
		s.Line, s.Body = 0, unplacedSteps(s.Body)
		all = append(all, s)
	}
	return all
}

func unplacedGates(lines []drills.GateLine) (all []drills.GateLine) {
	for _, l := range lines {
		all = append(all, drills.GateLine{Text: l.Text})
	}
	return all
}
