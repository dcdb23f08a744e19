package substratetest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local"
	"github.com/drillrun/drillrun/drills/substrate/substratetest"
)

// lies are substrates that do one thing wrong, and the subtests that must tell.
var lies = []struct {
	name string
	told string // the subtest that must fail
	lie  lie
}{
	{"kill only asks", "replicas/are_killed_and_started_again", lie{process: func(p process) drills.Process { return polite{p} }}},
	{"each end is told twice", "replicas/end_by_themselves", lie{process: func(p process) drills.Process { return gossip{p} }}},
	{"frozen processes go on", "replicas/are_frozen", lie{process: func(p process) drills.Process { return restless{p} }}},
	{"settings stay", "replicas/are_configured", lie{process: func(p process) drills.Process { return stubborn{p} }}},
	{"logs end at the first line", "replicas/leave_logs", lie{process: func(p process) drills.Process { return curt{p} }}},
	{"a limit that nobody claims", "limits/of_cores", lie{process: func(p process) drills.Process { return boastful{p} }}},
	{"a claim of cables without any", "detaching", lie{claims: substratetest.Disconnect}},
	{"a claim of direct links without any", "direct_links", lie{claims: substratetest.Drop}},
	{"links stay healthy", "links/from_clients_to_a_replica/black-hole_both", lie{link: func(l drills.Link) drills.Link { return robust{l} }}},
	{"links are bad both ways", "links/from_clients_to_a_replica/stall_requests", lie{link: func(l drills.Link) drills.Link { return blunt{l} }}},
	{"links do not heal", "links/from_clients_to_a_replica/refuse_both", lie{link: func(l drills.Link) drills.Link { return incurable{l} }}},
	{"processes outlive Close", "cleanup", lie{open: true}},
}

// TestALieIsTold runs the suite in another process, on local with one lie. That
// local itself passes is tested there.
func TestALieIsTold(t *testing.T) {
	for _, tt := range lies {
		if os.Getenv(lieEnv) == tt.name {
			substratetest.Hurry()
			exercise(t, tt.lie)
			return
		}
	}
	for _, tt := range lies {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pattern := "^TestALieIsTold$/^" + strings.ReplaceAll(tt.told, "/", "$/^") + "$"
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern, "-test.timeout=60s")
			cmd.Env = append(os.Environ(), lieEnv+"="+tt.name)
			out, err := cmd.CombinedOutput()
			require.Error(t, err, "the suite believes it:\n%s", out)
			require.Contains(t, string(out), "--- FAIL: TestALieIsTold/"+tt.told, "%s", out)
			require.NotContains(t, string(out), "panic:")
		})
	}
}

func exercise(t *testing.T, l lie) {
	p, err := local.Open(t.Context(), local.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	lacks := map[string]string{substratetest.Drop: "one network", substratetest.Disconnect: "one network", substratetest.CPU: "one group", substratetest.Memory: "one group"}
	delete(lacks, l.claims)
	substratetest.Exercise(t, func(t *testing.T) drills.Substrate {
		s, err := p.New(t.Context(), local.Options{})
		require.NoError(t, err)
		return &liar{Substrate: s, lie: l}
	}, substratetest.Options{Lacks: lacks})
}
