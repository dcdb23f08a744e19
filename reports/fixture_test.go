package reports_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/gates/duplicates"
	"github.com/drillrun/drillrun/gates/failover"
	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/lost"
	"github.com/drillrun/drillrun/gates/outage"
	"github.com/drillrun/drillrun/reports"
)

func metrics() map[string]gates.Metric {
	all := map[string]gates.Metric{}
	for _, m := range []gates.Metric{failover.Metric(), outage.Metric(), duplicates.Metric(), lost.Metric()} {
		all[m.Name] = m
	}
	return all
}

// leaderKill is a drill whose failover takes that long, and no client is served
// meanwhile.
func leaderKill(took time.Duration, more string) string {
	const killed, every, end = 1250 * time.Millisecond, 20 * time.Millisecond, 4 * time.Second
	back := killed + took + 2*time.Millisecond
	return fmt.Sprintf(`
0s      load/1   load invoke    load=jobs rate=100 clients=4
10ms +10ms x99 client/1 submit ok subject=job/{n} replica=replica-2
1s +1ms x99 witness effect ok key=k{n} replica=replica-3 subject=job/{n} kind=once
1.2s    witness  effect ok      key=s1 replica=replica-1 subject=slot/1 kind=fenced leadership=cron term=4
1.25s   fault/1  plan ok        fault="kill leader" name=kill target=leader victims=replica-1 undo=start
1.25s   fault/1  inject invoke  fault="kill leader" name=kill target=leader victims=replica-1 undo=start
1.252s  replica-1 exit info
1.252s  fault/1  inject ok      fault="kill leader" name=kill target=leader victims=replica-1 undo=start evidence="pid 4711 was reaped"
%v      witness  effect ok      key=s2 replica=replica-2 subject=slot/2 kind=fenced leadership=cron term=5
%v +%v x%d client/1 submit ok   subject=late/{n} replica=replica-2 attempts=2
%v      load/1   load ok        load=jobs rate=100 clients=4
%[5]v +1ms x%[4]d witness effect ok key=l{n} replica=replica-3 subject=late/{n} kind=once
%[6]s
9s      fault/1  recover invoke fault="kill leader" victims=replica-1
9.1s    fault/1  recover ok     fault="kill leader" victims=replica-1
`, killed+took, back, every, (end-back)/every, end, more)
}

const drained = `
10s engine drain invoke
14s engine drain ok complete=true
14s engine end ok
`

// drill judges a hand-made history and builds its results.
func drill(t *testing.T, scenario string, seed uint64, text string, lines ...string) reports.Results {
	t.Helper()
	events, err := gatetest.Parse(text)
	require.NoError(t, err)
	h := history.New(history.Header{
		Scenario: scenario, Seed: seed, System: "reference", Substrate: "local", Replicas: 3,
		Started:    time.Date(2026, 11, 21, 7, 30, 0, 0, time.UTC),
		Guarantees: history.Guarantees{Leader: true, Jobs: true, Effects: "exactly-once"},
	}, events)
	var all []gates.Gate
	var measured []gates.Metric
	for _, m := range metrics() {
		measured = append(measured, m)
	}
	for _, line := range lines {
		g, err := gates.Compile(line, metrics())
		require.NoError(t, err)
		all = append(all, g)
	}
	place := reports.Place{
		Run:    fmt.Sprintf("runs/20261121T073000Z-%s-%d", scenario, seed),
		Repeat: fmt.Sprintf("drillrun run %s --seed %d", scenario, seed),
	}
	return reports.Build(h, gates.Judge(h, all, measured), place)
}

// evening is a document with every kind of outcome.
func evening(t *testing.T) reports.Document {
	t.Helper()
	twice := `5s witness effect ok key=again replica=replica-1 subject=job/7 kind=once`
	return reports.NewDocument([]reports.Results{
		drill(t, "calm", 7, calm+drained, "duplicates == 0", "lost == 0", "outage < 2s"),
		drill(t, "leader-kill", 7, leaderKill(11*time.Millisecond+234*time.Microsecond, "")+drained,
			"failover < 30s", "duplicates == 0", "lost == 0", "outage < 2s"),
		drill(t, "leader-pause", 18446744073709551615, leaderKill(1840*time.Millisecond, twice)+drained,
			"failover < 1s", "duplicates == 0", "lost == 0", "outage < 2s"),
		drill(t, "redis-flush-while-jobs-are-in-flight", 7,
			leaderKill(20*time.Millisecond, "")+`10s engine end info err="line 9: await steady: expired after 60s: 3 acknowledged jobs have no effect yet"`,
			"failover < 30s", "lost == 0", "outage < 2s"),
		reports.Skip("packet-drop", 7, "needs nft in the replica's network namespace; use --substrate docker"),
		reports.Inapplicable("cron", 7, "the system has no leader"),
	}, false)
}

const calm = `
0s      load/1   load invoke    load=jobs rate=100 clients=4
10ms +10ms x200 client/1 submit ok subject=job/{n} replica=replica-2
2.01s +1ms x200 witness effect ok key=k{n} replica=replica-3 subject=job/{n} kind=once
2.5s    load/1   load ok        load=jobs rate=100 clients=4
`

// fifty trials of one scenario, of which one failed over too slowly.
func trials(t *testing.T) reports.Results {
	t.Helper()
	var all []reports.Results
	for i := range 50 {
		took := time.Duration(4+i%9) * time.Millisecond
		if i == 31 {
			took = 2 * time.Second
		}
		all = append(all, drill(t, "leader-kill", uint64(100+i), leaderKill(took, "")+drained,
			"failover < 1s", "failover.p50 < 20ms", "failover.p99 < 1s", "failover.n == 1", "duplicates == 0", "lost == 0"))
	}
	return reports.Merge(all)
}
