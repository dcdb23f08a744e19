package drilltest_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drilltest"
)

func TestTheReferenceIsDrilled(t *testing.T) {
	drilltest.Run(t, "testdata/leader.txtar", reference(t))
}

func TestAManifestIsDrilled(t *testing.T) {
	drilltest.Run(t, "testdata/kill.txtar", example(t, "python"), drilltest.Seed(5))
}

// failures are drills that must not pass, and what is said of them.
var failures = []struct {
	name     string
	scenario string
	lie      lie
	options  []drilltest.Option
	says     []string
}{
	{name: "a gate fails", scenario: "testdata/unlooked.txtar",
		lie:     lie{client: func(c drills.Client) drills.Client { return renaming{c} }},
		options: []drilltest.Option{drilltest.Seed(7)},
		says:    []string{"FAIL     lost == 0", "unlooked: fail with seed 7", "drilltest.Seed(7)"}},
	{name: "a gate is unknown", scenario: "testdata/unlooked.txtar", says: []string{"unlooked: unknown with seed"}},
	{name: "the system has no such option", scenario: "testdata/kill.txtar",
		options: []drilltest.Option{drilltest.Set("colour", "red")}, says: []string{"does not apply: the toy has no options"}},
	{name: "it needs what local lacks", scenario: "cpu-throttle", says: []string{"does not apply: local lacks the fault cpu"}},
	{name: "several scenarios", scenario: "first", says: []string{"is a set of 4 scenarios"}},
	{name: "no scenario", scenario: "leader-kil", says: []string{`did you mean "leader-kill"`}},
	{name: "it does not start", scenario: "testdata/kill.txtar",
		lie: lie{substrate: func(s drills.Substrate) drills.Substrate { return linkless{s} }}, says: []string{"no links today"}},
}

// TestADrillThatDoesNotPassFails runs drills of the toy in another process.
func TestADrillThatDoesNotPassFails(t *testing.T) {
	for _, tt := range failures {
		if os.Getenv(lieEnv) == tt.name {
			drilltest.Run(t, tt.scenario, liar{toy(t), tt.lie}, tt.options...)
			return
		}
	}
	for _, tt := range failures {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestADrillThatDoesNotPassFails$", "-test.timeout=5m")
			cmd.Env = append(os.Environ(), lieEnv+"="+tt.name)
			out, err := cmd.CombinedOutput()
			require.Error(t, err, "it passes:\n%s", out)
			for _, words := range tt.says {
				require.Contains(t, string(out), words)
			}
		})
	}
}
