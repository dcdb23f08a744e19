package drilltest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/runner"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/internal/surroundings"
	"github.com/drillrun/drillrun/reports"
)

// Option is a setting of a drill.
type Option func(*settings)

type settings struct {
	seed    uint64
	options map[string]string
}

// Seed has all that is random drawn from that seed, so that a drill is done again.
// Otherwise the seed is drawn, and logged.
func Seed(seed uint64) Option { return func(s *settings) { s.seed = seed } }

// Set gives the system an option of its own. Those of the scenario win.
func Set(name, value string) Option { return func(s *settings) { s.options[name] = value } }

// Run drills a system on the local substrate, and fails the test unless every
// gate of the scenario passes. A scenario is the name of a built-in one, or the
// path of a file. A gate over what the system does not promise is logged; one
// that is unknown fails, and so does a scenario that does not apply at all: a
// drill that was not held is no pass.
//
// The report and the seed are logged.
func Run(t *testing.T, scenario string, system drills.System, options ...Option) {
	t.Helper()
	surroundings.Shed()
	chosen := settings{seed: rand.Uint64N(1 << 32), options: map[string]string{}}
	for _, o := range options {
		o(&chosen)
	}
	script := load(t, scenario, system)
	entry := catalog.Substrates()[catalog.DefaultSubstrate]
	for name, value := range script.Options {
		chosen.options[name] = value
	}
	if why := script.Inapplicable(system, chosen.options); why != "" {
		t.Fatalf("%s does not apply: %s", script.Name, why)
	}
	if lacking := entry.Lacking(script); len(lacking) > 0 {
		t.Fatalf("%s does not apply: %s lacks the fault %s: %s", script.Name, catalog.DefaultSubstrate, lacking[0], entry.Lacks[lacking[0]])
	}
	provider, err := entry.Open(t.Context(), catalog.Images{})
	if err != nil {
		t.Fatalf("this machine cannot run drills (drillrun doctor has more): %v", err)
	}
	t.Cleanup(func() { noError(t, provider.Close(), "close the substrates") })
	drill := runner.Drill{
		Scenario: script.Scenario, System: system, Substrate: catalog.DefaultSubstrate, NewSubstrate: provider.New,
		Verbs: catalog.Verbs(), Faults: catalog.Faults(), Aborts: script.Aborts,
		Options: chosen.options, Seed: chosen.seed, Out: t.ArtifactDir(),
		Versions: map[string]string{"go": runtime.Version(), "os": runtime.GOOS + "/" + runtime.GOARCH},
	}
	folder, err := drill.Run(t.Context())
	if err != nil {
		t.Fatalf("%s, seed %d: %v", script.Name, chosen.seed, err)
	}
	judge(t, script, folder, chosen.seed)
}

// load reads the one scenario that is named.
func load(t *testing.T, scenario string, system drills.System) catalog.Script {
	t.Helper()
	scripts, err := catalog.ScriptsFor([]string{scenario}, 0, system)
	if err != nil {
		t.Fatal(err)
	}
	if len(scripts) != 1 {
		t.Fatalf("%s is a set of %d scenarios: run each in a test of its own", scenario, len(scripts))
	}
	return scripts[0]
}

// judge draws the verdict from the record, and logs the report.
func judge(t *testing.T, script catalog.Script, folder runner.Folder, seed uint64) {
	t.Helper()
	repeat := fmt.Sprintf("drilltest.Run(t, %q, …, drilltest.Seed(%d)); `go test -artifacts` keeps the record", script.Ref, seed)
	results, err := catalog.Judge().Check(t.Context(), folder, repeat)
	noError(t, err, "judge the drill")
	noError(t, folder.Keep(results), "keep the results")
	var report bytes.Buffer
	noError(t, reports.Terminal{}.Write(&report, reports.NewDocument([]reports.Results{results}, true)), "write the report")
	t.Logf("%s, seed %d:\n%s", script.Name, seed, report.String())
	for _, g := range results.Gates {
		if g.Verdict == gates.NotApplicable {
			t.Logf("n/a: %s: %s", g.Gate, g.Why)
		}
	}
	if results.Verdict != gates.Pass {
		t.Fatalf("%s: %v with seed %d", script.Name, results.Verdict, seed)
	}
}
