package catalog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/catalog"
)

func TestEveryBuiltInScenarioCanBeDrilledWithoutItsFaults(t *testing.T) {
	scripts, err := catalog.Scripts(nil)
	require.NoError(t, err)
	harmless := 0
	for _, s := range scripts {
		calm, err := s.WithoutFaults([]string{"lost == 0"})
		require.NoError(t, err, s.Name)
		require.True(t, calm.Faultless(), s.Name)
		require.Equal(t, s.Name+"-without-faults", calm.Name)
		require.Equal(t, s.Replicas, calm.Replicas)
		require.Equal(t, s.Requires, calm.Requires)
		require.Equal(t, s.Options, calm.Options)
		require.Len(t, calm.Gates, 1)
		require.Equal(t, loads(string(s.Source)), loads(string(calm.Source)), "the same load")
		if s.Faultless() {
			harmless++
		}
	}
	require.Positive(t, harmless, "calm breaks nothing")
	require.Less(t, harmless, len(scripts)/2)
}

func TestADefectOfAScenarioThatBreaksNothingIsDeclaredToShow(t *testing.T) {
	for _, d := range catalog.Defects() {
		scripts, err := catalog.Scripts(d.Scenarios)
		require.NoError(t, err)
		for _, s := range scripts {
			require.True(t, d.ShowsInCalm || !s.Faultless(), "%s in %s", d.Name, s.Name)
		}
	}
}

func loads(source string) (lines []string) {
	for line := range strings.Lines(source) {
		if strings.HasPrefix(line, "load ") {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestWhatIsTakenOutLeavesItsLine(t *testing.T) {
	script, err := catalog.Parse("two.txtar", []byte(`# two: a repeat, and a fault in the background
requires jobs
load jobs rate=100/s &
await steady
repeat 3
  wait 1s..2s   # drawn
  kill any
  await new-leader within=5s
end
hang compute for=2s &
start
drain
-- gates --
failover < 1s
`))
	require.NoError(t, err)
	require.False(t, script.Faultless())
	calm, err := script.WithoutFaults([]string{"lost == 0", "stuck == 0"})
	require.NoError(t, err)
	require.Equal(t, `# two: a repeat, and a fault in the background
requires jobs
load jobs rate=100/s &
await steady
repeat 1 # repeat 3
wait 500ms # wait 1s..2s   # drawn
wait 1ms # kill any
wait 1ms # await new-leader within=5s
end
wait 1ms # hang compute for=2s &
wait 1ms # start
drain
-- gates --
lost == 0
stuck == 0
`, string(calm.Source))
}
