package catalog_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills/manifest"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/scenarios"
)

// What is drilled is what its module is built with.
func TestVersionsOfOtherSystemsAreThoseOfTheirModules(t *testing.T) {
	files, err := filepath.Glob("../systems/*/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		system, err := manifest.Load(file)
		require.NoError(t, err)
		module, err := os.ReadFile(filepath.Join(filepath.Dir(file), "go.mod"))
		require.NoError(t, err)
		name := filepath.Base(filepath.Dir(file))
		require.NotEmpty(t, system.Version(), file)
		require.Regexp(t, `/`+name+` `+regexp.QuoteMeta(system.Version())+"\n", string(module), file)
	}
}

func TestEveryBuiltInScenarioIsSound(t *testing.T) {
	scripts, err := catalog.Scripts(nil)
	require.NoError(t, err)
	require.Len(t, scripts, len(scenarios.Names()))
	for _, s := range scripts {
		require.NotEmpty(t, s.Gates, s.Name)
		require.NotEmpty(t, s.Summary, s.Name)
	}
}

func TestTheScenariosOfTheLeagueAskForJobsAlone(t *testing.T) {
	files, err := filepath.Glob("../examples/league/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	scripts, err := catalog.Scripts(files)
	require.NoError(t, err)
	for _, s := range scripts {
		require.Equal(t, []string{"jobs"}, s.Requires, s.Name)
		require.Empty(t, s.Options, s.Name)
	}
}

func TestSetsNameBuiltInScenarios(t *testing.T) {
	for set, members := range catalog.Sets() {
		require.NotContains(t, scenarios.Names(), set, "a set and a scenario share a name")
		require.Subset(t, scenarios.Names(), members, set)
		scripts, err := catalog.Scripts([]string{set, members[0]})
		require.NoError(t, err)
		require.Len(t, scripts, len(members), "a scenario that is named twice is run once")
	}
}

func TestNoNameMeansTwoThings(t *testing.T) {
	faults := catalog.Faults()
	for name, verb := range catalog.Verbs() {
		require.Equal(t, name, verb.Name)
		require.NotContains(t, faults, name, "a verb and a fault share a name")
	}
	metrics := map[string]bool{}
	for _, m := range catalog.Metrics() {
		require.False(t, metrics[m.Name], "two metrics are called %s", m.Name)
		metrics[m.Name] = true
	}
}

func TestEverythingIsDocumented(t *testing.T) {
	for _, m := range catalog.Metrics() {
		require.NotEmpty(t, m.Summary, m.Name)
		require.NotEmpty(t, m.Doc, m.Name)
		require.NotEmpty(t, m.Needs, m.Name)
	}
	for name, v := range catalog.Verbs() {
		require.NotEmpty(t, v.Usage, name)
		require.NotEmpty(t, v.Summary, name)
	}
	for name, f := range catalog.Faults() {
		require.NotEmpty(t, f.Usage, name)
		require.NotEmpty(t, f.Summary, name)
		require.NotEmpty(t, f.Doc, name)
	}
}

func TestMistakesInGatesNameTheirLine(t *testing.T) {
	_, err := catalog.Parse("x.txtar", []byte("drain\n-- gates --\nlots == 0\noutage < soon\n"))
	require.ErrorContains(t, err, "x.txtar:3: lots == 0: unknown metric")
	require.ErrorContains(t, err, "x.txtar:4: outage < soon: outage is a time")
}

func TestDefectsNameScenariosThatJudgeTheirGate(t *testing.T) {
	names := map[string]bool{}
	for _, d := range catalog.Defects() {
		require.False(t, names[d.Name], "two defects are called %s", d.Name)
		names[d.Name] = true
		require.NotEmpty(t, d.Wrong, d.Name)
		require.NotEmpty(t, d.Origin, d.Name)
		require.NotEmpty(t, d.Symptom, d.Name)
		require.NotNil(t, d.Break, d.Name)
		require.NotEmpty(t, d.Scenarios, d.Name)
		scripts, err := catalog.Scripts(d.Scenarios)
		require.NoError(t, err, d.Name)
		for _, s := range scripts {
			require.True(t, slices.ContainsFunc(s.Gates, func(g gates.Gate) bool { return g.Metric.Name == d.Gate }),
				"%s: %s has no gate on %s", d.Name, s.Name, d.Gate)
		}
	}
}

func TestAnUnknownDefectSuggestsTheNearest(t *testing.T) {
	_, err := catalog.Defect("no-trem")
	require.ErrorContains(t, err, `unknown defect "no-trem": did you mean "no-term"?`)
}

func TestASubstrateLacksKnownFaultsForAReason(t *testing.T) {
	for name, entry := range catalog.Substrates() {
		for fault, why := range entry.Lacks {
			require.Contains(t, catalog.Faults(), fault, name)
			require.NotEmpty(t, why, "%s: %s", name, fault)
		}
	}
}

func TestAScenarioIsLackingWhereASubstrateLacksItsFaults(t *testing.T) {
	s, err := catalog.Parse("x.txtar", []byte("kill leader\nrepeat 2\n  repeat 2\n    flush redis\n  end\nend\n-- gates --\nlost == 0\n"))
	require.NoError(t, err)
	entry := catalog.SubstrateEntry{Lacks: map[string]string{"pause": "why", "kill": "why", "flush": "why"}}
	require.Equal(t, []string{"flush", "kill"}, entry.Lacking(s))
	require.Empty(t, catalog.SubstrateEntry{}.Lacking(s))
}

func TestTheDefaultSubstrateCanAllButContainers(t *testing.T) {
	scripts, err := catalog.Scripts(nil)
	require.NoError(t, err)
	for _, s := range scripts {
		lacking := catalog.Substrates()[catalog.DefaultSubstrate].Lacking(s)
		require.Equal(t, slices.Contains(catalog.Sets()["containers"], s.Name), len(lacking) > 0, s.Name)
	}
}
