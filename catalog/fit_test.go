package catalog_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/manifest"
)

// flat is a system without a leader, with two stores of its own, that hands kinds on.
const flat = `name: flat
stores: [postgres, {name: broker, command: [broker], ports: {client: LISTEN}}]
replica:
  command: [flat, "${postgres.url}", "${backends.compute.url}"]
  ports: {http: LISTEN}
  ready: {path: /ready}
submit: {path: "/jobs/${kind}/${key}", kinds: [mail, invoice]}
guarantees: {leader: false, effects: at-least-once}
settle: 1s
`

// led is a project of compose with a leader, of which nobody knows how to log in to
// its cache, and whose jobs are all of one kind.
const led = `name: led
compose:
  project: led
  replicas: app
  stores: {db: {role: postgres, url: "postgres://a:b@db/c"}, cache: redis}
  ports: {http: 8080}
  witness: drillrun-witness:7070
  ready: {path: /ready}
submit: {path: "/jobs/${key}"}
guarantees: {leader: true, effects: exactly-once}
settle: 1s
`

// fitted loads a script, as a file, for a system.
func fitted(t *testing.T, steps string, replicas int, system string) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.txtar")
	require.NoError(t, os.WriteFile(file, []byte(steps+"\n-- gates --\noutage < 1s\n"), 0o600))
	var systems []drills.System
	switch system {
	case "":
	case "reference":
		s, err := catalog.System(system)
		require.NoError(t, err)
		systems = append(systems, s)
	default:
		s, err := manifest.Parse("/srv/system.yaml", []byte(system))
		require.NoError(t, err)
		systems = append(systems, s)
	}
	_, err := catalog.ScriptsFor([]string{file}, replicas, systems...)
	return err
}

func TestWhatCannotBeThereIsRefused(t *testing.T) {
	cases := map[string]struct {
		steps    string
		replicas int
		system   string
		want     string // empty where nothing is wrong
	}{
		"a word of another tool":             {"kill master", 0, "", `x.txtar:1: kill master: unknown target "master": did you mean "leader"?`},
		"a word of another tool, and system": {"kill master", 0, "reference", `unknown target "master": did you mean "leader"?`},
		"a slip":                             {"kill laeder", 0, "", `x.txtar:1: kill laeder: unknown target "laeder": did you mean "leader"?`},
		"a slip among others":                {"kill follower,laeder", 0, "", `did you mean "leader"?`},
		"a slip in a repeat":                 {"repeat 2\nkill laeder\nend", 0, "", "x.txtar:2: kill laeder"},
		"a replica too many":                 {"kill replica-9", 0, "", "there is no replica-9: the drill has 3 replicas, replica-1 to replica-3"},
		"a replica that is none":             {"kill replica-0", 0, "", "there is no replica-0"},
		"a replica of more":                  {"replicas 9\nkill replica-9", 0, "", ""},
		"a replica of the command line":      {"kill replica-3", 2, "", "there is no replica-3: the drill has 2 replicas, replica-1 to replica-2"},
		"one more by the command line":       {"kill replica-4", 4, "", ""},
		"a leadership":                       {"kill leader/healing", 0, "reference", ""},
		"a leadership without a name":        {"kill leader/", 0, "", "leader/ lacks the name of the leadership"},
		"a follower of nobody":               {"kill follower", 1, "reference", "there is no follower: the drill has 1 replica"},
		"one twice":                          {"kill replica-1,replica-1", 0, "", `"replica-1,replica-1" chooses replica-1 twice`},
		"a victim before any fault":          {"pause victim", 0, "", "no fault stands before it, so that there is no victim yet"},
		"a link of a victim before any":      {"partition victim->redis", 0, "", "no fault stands before it"},
		"a start before any fault":           {"start victim\nkill leader", 0, "", "x.txtar:1: start victim: no fault stands before it"},
		"a new leader before any fault":      {"await new-leader", 0, "", "no fault stands before it"},
		"a victim of a restart":              {"rolling-restart\npause victim", 0, "", ""},
		"a recovery of nobody":               {"kill leader\nstart laeder", 0, "", `unknown target "laeder"`},
		"a recovery of another":              {"kill leader\nstart leader", 0, "", `"leader" may be another one by now: name what was hit, or write victim`},
		"a recovery of a backend":            {"fail dns\nheal backend/dnx", 0, "", `unknown backend "dnx": did you mean "dns"?`},
		"a backend":                          {"fail cloud", 0, "", `unknown backend "cloud"`},
		"a condition":                        {"await steddy", 0, "", `unknown condition "steddy": did you mean "steady"?`},
		"a link to nothing":                  {"partition leader->mysql", 0, "", `unknown end of a link "mysql": there are: all, `},
		"a link to a replica":                {"partition leader->replica-2", 0, "", "there are no links to replicas: want one of postgres, redis, witness"},
		"a link of a store":                  {"partition postgres->redis", 0, "", "postgres is a store: want a replica"},
		"a link of nobody":                   {"partition laeder->redis", 0, "", `did you mean "leader"?`},
		"a store to be misconfigured":        {"misconfigure redis set=A=b", 0, "", "redis is a store: want a replica"},
		"a store of some manifest":           {"kill broker", 0, "", "for the stores of a manifest, name it: --system FILE"},
		"a store of this manifest":           {"kill broker\npartition all->broker,compute", 0, flat, ""},
		"a store of another":                 {"kill broker", 0, "reference", `unknown target "broker"`},
		"a store that it does without":       {"restart redis", 0, flat, "flat has no redis"},
		"a store to flush":                   {"flush redis", 0, flat, "flat has no redis"},
		"a link to what it does without":     {"partition all->redis", 0, flat, "flat has no redis"},
		"a link to an uncalled backend":      {"partition all->dns", 0, flat, `unknown end of a link "dns": there are: all, broker, compute, postgres, witness`},
		"a leader of none":                   {"kill leader", 0, flat, `flat promises no leader: choose any or a replica by its name`},
		"a new leader of none":               {"kill any\nawait new-leader", 0, flat, "flat promises no leader"},
		"a queue that is not told":           {"pause waiter", 0, led, "led does not tell which replica is next"},
		"a store by its role":                {"restart redis\nkill db", 0, led, ""},
		"a store nobody logs in to":          {"flush redis", 0, led, "nobody says how to log in to cache: write its url in the manifest"},
		"a store with a url":                 {"read-only postgres", 0, led, ""},
		"a kind of job":                      {"load jobs kind=nosuchkind &", 0, "reference", "x.txtar:1: load jobs kind=nosuchkind &: reference has no kind nosuchkind: effect, provision, cluster, pipeline"},
		"a kind that is misspelt":            {"load jobs kind=provison &", 0, "reference", `did you mean "provision"?`},
		"a kind that nobody is to know":      {"load jobs kind=nosuchkind poison=100% &", 0, "reference", ""},
		"a kind that some are to do":         {"load jobs kind=nosuchkind poison=10% &", 0, "reference", "has no kind nosuchkind"},
		"a kind of some system":              {"load jobs kind=nosuchkind &", 0, "", ""},
		"a kind of the manifest":             {"load jobs kind=mail &", 0, flat, ""},
		"a kind of another":                  {"load jobs kind=provision &", 0, flat, "flat has no kind provision: mail, invoice"},
		"a kind that is not handed on":       {"load jobs kind=mail &", 0, led, "led has no kind mail: no submission carries ${kind}"},
		"a rate of nothing":                  {"load jobs rate=1e-300/s &", 0, "", "want operations a second such as 200/s, from 0.01/s to 20000/s"},
		"a rate beyond numbers":              {"load jobs rate=NaN/s &", 0, "", "want operations a second"},
		"a load for ever":                    {"load jobs for=10000h &", 0, "", `for=10000h: "10000h" is longer than a script may take, which is 24h`},
		"a wait for ever":                    {"wait 10000h", 0, "", `"10000h" is longer than a script may take, which is 24h`},
		"a wait of ever more":                {"wait 1s..10000h", 0, "", "is longer than a script may take"},
		"faults that add up":                 {"repeat 100\npause any for=20m\nend", 0, "", "the script takes 33.33 hours"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := fitted(t, c.steps, c.replicas, c.system)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			var line *drills.LineError
			require.ErrorAs(t, err, &line, "with its line")
		})
	}
}

func TestMistakesOfEveryKindAreToldTogether(t *testing.T) {
	err := fitted(t, "kil leader\nkill laeder\nkill follower\n-- gates --\nlots == 0\nlost == 0\nlost == 0", 0, "reference")
	var lines []string
	for line := range strings.Lines(err.Error()) {
		_, line, _ = strings.Cut(line, "x.txtar:")
		lines = append(lines, line[:1])
	}
	require.Equal(t, []string{"1", "2", "5", "7", "8"}, lines, "%v", err)
}

func TestABuiltInScenarioThatASystemCannotMeetDoesNotApply(t *testing.T) {
	system, err := manifest.Parse("/srv/system.yaml", []byte(flat))
	require.NoError(t, err)
	scripts, err := catalog.ScriptsFor([]string{"redis-restart", "postgres-restart"}, 0, system)
	require.NoError(t, err)
	require.Equal(t, "restart redis down=500ms: flat has no redis", scripts[0].Inapplicable(system, nil))
	require.Empty(t, scripts[1].Inapplicable(system, nil))
}

func TestTheSameGateTwiceIsRefused(t *testing.T) {
	for gates, want := range map[string]string{
		"lost == 0\nlost == 0":                         "x.txtar:4: lost == 0: line 3 asks for the same",
		"failover < 2s\nfailover.max < 3s":             "x.txtar:4: failover.max < 3s: line 3 asks for the same",
		"failover < 2s\nfailover.p50 < 1s":             "",
		"availability > 90%\navailability <= 99%":      "",
		"attempts == 3\nlost == 0   # why\nlost == 0 ": "x.txtar:5: lost == 0: line 4 asks for the same",
	} {
		_, err := catalog.Parse("x.txtar", []byte("drain\n-- gates --\n"+gates+"\n"))
		if want == "" {
			require.NoError(t, err, gates)
			continue
		}
		require.ErrorContains(t, err, want)
	}
}

func TestARecordIsJudgedByItsGatesAlone(t *testing.T) {
	compiled, err := catalog.Judge().Gates("x.txtar", []byte("no-verb of today\nload jobs\n-- gates --\nlost == 0\nlost == 0\n"))
	require.NoError(t, err)
	require.Len(t, compiled, 2)
	_, err = catalog.Judge().Gates("x.txtar", []byte("drain\n"))
	require.ErrorContains(t, err, "x.txtar:1: it has no gates")
	_, err = catalog.Judge().Gates("x.txtar", []byte("drain\n-- gates --\nlots == 0\n"))
	require.ErrorContains(t, err, "x.txtar:3: lots == 0: unknown metric")
}

func TestGatesWithoutAVerdictAreWarnedOf(t *testing.T) {
	system, err := manifest.Parse("/srv/system.yaml", []byte(flat))
	require.NoError(t, err)
	for source, want := range map[string][]string{
		"kill any\n-- gates --\nlost == 0\noutage < 1s":                            {`x.txtar:3: lost == 0: the script does not drain`},
		"kill any\ndrain\n-- gates --\nlost == 0":                                  nil,
		"kill any\nrepeat 2\nkill any\nend\ndrain\n-- gates --\nfailover.p99 < 1s": {"a p99 needs 299 samples, and the script breaks something 3 times"},
		"repeat 300\nkill any\nstart victim\nend\n-- gates --\nfailover.p99 < 1s":  nil,
		"drain\n-- gates --\nmisreported == 0":                                     {`nobody is asked about jobs: write "read jobs" after "drain"`},
		"drain\nread jobs\n-- gates --\nmisreported == 0\nstuck == 0\noutage < 1s": {`x.txtar:5: stuck == 0: flat does not tell what is in its stores`},
	} {
		s, err := catalog.Parse("x.txtar", []byte(source+"\n"))
		require.NoError(t, err, source)
		warnings := s.Warnings(system)
		require.Len(t, warnings, len(want), source)
		for i := range want {
			require.ErrorContains(t, warnings[i], want[i])
		}
	}
}

func TestNoBuiltInScenarioIsWarnedOf(t *testing.T) {
	reference, err := catalog.System("reference")
	require.NoError(t, err)
	scripts, err := catalog.ScriptsFor(nil, 0, reference)
	require.NoError(t, err)
	for _, s := range scripts {
		require.Empty(t, s.Warnings(reference), s.Name)
		require.NotContains(t, s.Inapplicable(reference, s.Options), ":", s.Name)
	}
}

func TestAScenarioIsCalledAsItsFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte("# another: name\ndrain\n-- gates --\noutage < 1s\n"), 0o600))
		return file
	}
	scripts, err := catalog.Scripts([]string{write("mine.txtar")})
	require.NoError(t, err)
	require.Equal(t, "mine", scripts[0].Name)
	for _, name := range []string{".txtar", "a\x1b[31m.txtar", strings.Repeat("x", 101) + ".txtar"} {
		_, err := catalog.Scripts([]string{write(name)})
		require.ErrorContains(t, err, "a scenario is called as its file")
		require.NotContains(t, err.Error(), "\x1b")
	}
}

func TestTwoScenariosOfOneNameAreRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "calm.txtar")
	require.NoError(t, os.WriteFile(file, []byte("drain\n-- gates --\noutage < 1s\n"), 0o600))
	_, err := catalog.Scripts([]string{"calm", file})
	require.ErrorContains(t, err, "calm and "+file+" are both called calm: name one of the files otherwise")
	_, err = catalog.Scripts([]string{file, file, "core", "core"})
	require.ErrorContains(t, err, file+" and calm are both called calm")
}
