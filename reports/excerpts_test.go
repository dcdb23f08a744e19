package reports

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/gates/gatetest"
)

// shown are the lines of the events that a gate which fails by this evidence is
// shown with.
func shown(t *testing.T, metric, text string, evidence ...uint64) []string {
	t.Helper()
	events, err := gatetest.Parse(text)
	require.NoError(t, err)
	all := []Gate{{Metric: metric, Verdict: gates.Fail, Evidence: evidence}}
	require.NoError(t, excerpts(history.New(history.Header{}, events), all))
	var lines []string
	for _, l := range eventLines(all[0]) {
		lines = append(lines, strings.Join(strings.Fields(l.text), " "))
	}
	return lines
}

func TestEvidenceIsShownWithItsNearestNeighbours(t *testing.T) {
	many := "0s +1ms x300 witness effect ok key=k{n} replica=r subject=job/{n} kind=once\n"
	require.Len(t, shown(t, "lost", many, 2), Around)
	lines := shown(t, "lost", many, 100, 200)
	require.Len(t, lines, Around+1, "and a gap")
	require.Contains(t, lines[2], "▶ 100 ")
	require.Contains(t, lines[5], "⋮")
	require.Contains(t, lines[8], "▶ 200 ")
	require.Empty(t, shown(t, "lost", many))
}

func TestEvidenceIsShownWithTheFaultBeforeItAndNoNoise(t *testing.T) {
	lines := shown(t, "stuck", `
1s    fault/1   inject invoke  fault="kill leader" victims=replica-1
1.1s  fault/1   inject ok      fault="kill leader" victims=replica-1
2s    fault/1   recover ok     fault="kill leader" victims=replica-1
2s +1ms x300 client/1 submit ok subject=job/{n}
3s +1ms x300 witness took info replica=replica-2 what=call subject=dns took=1ms
4s    engine    drain ok       complete=true
5s    engine    snapshot ok    key=rest connections=32 dead_letters=0 goroutines=150 locks=1 unfinished=7
6s    redis     exit info      code=-1 signal=killed
6.1s  replica-2 exit info      code=-1 signal=killed
6.2s  engine    end ok
`, 605)
	text := strings.Join(lines, "\n")
	require.Contains(t, lines[0], `"kill leader" is in effect on replica-1`)
	require.Contains(t, text, `"kill leader" is recovered on replica-1`)
	require.Contains(t, text, "drain completed")
	require.NotContains(t, text, "measured", "what replicas measure is everywhere")
	require.NotContains(t, text, "ended by a signal", "the harness ended them, after the drill")
}

func TestTheCountThatDecidesComesFirst(t *testing.T) {
	rest := "1s engine snapshot ok key=rest connections=32 dead_letters=0 goroutines=150 outbox=0 owned_writes=2237 unfenced_writes=1046 unfinished=3\n"
	for metric, begins := range map[string]string{
		"unfenced":     "stores at rest: unfenced_writes 1046, owned_writes 2237, connections 32,",
		"stuck":        "stores at rest: unfinished 3, connections 32,",
		"dead_letters": "stores at rest: dead_letters 0, connections 32,",
		"leaked":       "stores at rest: connections 32, goroutines 150, owned_writes",
		"failover":     "stores at rest: connections 32, goroutines 150,",
	} {
		lines := shown(t, metric, rest, 1)
		require.Contains(t, lines[0], begins, metric)
		require.Contains(t, lines[0], "outbox 0", "zeros come last, and come")
	}
}

func TestDurationsAreToldInWords(t *testing.T) {
	lines := shown(t, "fail_fast", `
1.6s  witness     took info    replica=replica-2 what=refused subject=dns took=20us,1250ns,3ms
1.7s  witness     took info    replica=replica-2 what=call subject=dns took=1ms
`, 1, 2)
	require.Contains(t, lines[0], "replica-2 measured 3 refusals at dns: 1.25 µs to 3 ms")
	require.Contains(t, lines[1], "replica-2 measured 1 call at dns: 1 ms")
}
