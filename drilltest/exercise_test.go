package drilltest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/manifest"
	"github.com/drillrun/drillrun/drilltest"
	"github.com/drillrun/drillrun/reference/adapter"
)

func TestTheReferenceKeepsWhatAnAdapterOwes(t *testing.T) {
	t.Parallel()
	drilltest.Exercise(t, reference(t))
}

func TestAManifestKeepsWhatAnAdapterOwes(t *testing.T) {
	t.Parallel()
	drilltest.Exercise(t, example(t, "python"))
}

func TestAManifestWithBackendsKeepsWhatAnAdapterOwes(t *testing.T) {
	t.Parallel()
	drilltest.Exercise(t, example(t, "keys"))
}

func TestTheToyKeepsWhatAnAdapterOwes(t *testing.T) {
	t.Parallel()
	drilltest.Exercise(t, toy(t))
}

func reference(t *testing.T) drills.System {
	t.Helper()
	system, err := adapter.New()
	require.NoError(t, err)
	return system
}

// example is one of the examples in Python.
func example(t *testing.T, name string) drills.System {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Fatal("the examples need python3, which `make test` installs")
	}
	system, err := manifest.Load("../examples/" + name + "/system.yaml")
	require.NoError(t, err)
	return system
}

// lies are what is wrong with a system, the subtest that must tell, and its words.
var lies = []struct {
	name string
	lie  lie
	told string
	says string
}{
	{"no delivery", lie{guarantees: func(g *drills.Guarantees) { g.Effects = "" }}, "promises_what_can_be_judged", "Guarantees.Effects"},
	{"no settle interval", lie{hasty: true}, "promises_what_can_be_judged", "Settle is 0s"},
	{"every option is fine", lie{lenient: true}, "follows_its_options", "takes the unknown option"},
	{"a start that fails leaves processes", lie{substrate: immortal}, "stops_a_start_that_is_interrupted", "left running: redis"},
	{"the order is a map's", lie{cluster: func(c cluster) drills.Cluster { return &shuffled{cluster: c} }}, "lists_what_it_started", "stable order"},
	{"a link is not listed", lie{cluster: func(c cluster) drills.Cluster { return forgetful{c} }}, "lists_what_it_started", "Links does not list"},
	{"stores are not listed", lie{cluster: func(c cluster) drills.Cluster { return storeless{c} }}, "lists_what_it_started", "does not list redis"},
	{"processes are wrapped", lie{cluster: func(c cluster) drills.Cluster { return wrapping{c} }}, "lists_what_it_started", "lost the abilities"},
	{"Ready asks nobody", lie{cluster: func(c cluster) drills.Cluster { return optimist{c} }}, "comes_back", "which has been killed"},
	{"subjects are its own", lie{client: func(c drills.Client) drills.Client { return renaming{c} }}, "does_its_jobs", `others: "my own`},
	{"each try is a job", lie{client: func(c drills.Client) drills.Client { return &rekeying{Client: c} }}, "knows_a_job_by_its_key", "under several keys"},
	{"jobs are open for ever", lie{client: func(c drills.Client) drills.Client { return stale{c} }}, "tells_what_became_of_jobs", `replica-1 says that it is "open"`},
	{"any job is done", lie{client: func(c drills.Client) drills.Client { return glib{c} }}, "tells_what_became_of_jobs", "a job which nobody has submitted is done"},
	{"every error is a no", lie{client: func(c drills.Client) drills.Client { return sure{c} }}, "rejects_only_what_is_certain", "was rejected, and took effect"},
	{"every error is a yes", lie{client: func(c drills.Client) drills.Client { return hopeful{c} }}, "rejects_only_what_is_certain", "acknowledges a job although nobody can have answered"},
	{"a client waits for ever", lie{client: func(c drills.Client) drills.Client { return patient{c} }}, "rejects_only_what_is_certain", "after its context has ended"},
	{"a way past the link to a store", lie{substrate: past("redis")}, "goes_through_its_links", "is told where the store redis is"},
	{"a way past the link to the witness", lie{substrate: past("witness")}, "goes_through_its_links", "effects of it"},
	{"one link to the witness for all", lie{substrate: chained}, "goes_through_its_links", "no effect of replica"},
	{"no leader at all", lie{mute: true}, "shows_its_leader", "a leader is promised"},
	{"another leader is named", lie{cluster: func(c cluster) drills.Cluster { return mistaken{c} }}, "shows_its_leader", "the witness replica"},
	{"the leader waits for itself", lie{cluster: func(c cluster) drills.Cluster { return impatient{c} }}, "shows_its_leader", "leads"},
	{"work is left for ever", lie{cluster: func(c cluster) drills.Cluster { return busy{c} }}, "can_be_looked_into", "unfinished is 3"},
	{"Close leaves everything", lie{cluster: func(c cluster) drills.Cluster { return undying{c} }}, "ends", "Close leaves running"},
	{"Close cannot be called twice", lie{cluster: func(c cluster) drills.Cluster { return &once{cluster: c} }}, "ends", "the second Close"},
}

// TestALieIsTold exercises the toy in another process, with one lie.
func TestALieIsTold(t *testing.T) {
	for _, tt := range lies {
		if os.Getenv(lieEnv) == tt.name {
			drilltest.Hurry()
			drilltest.Exercise(t, liar{toy(t), tt.lie})
			return
		}
	}
	for _, tt := range lies {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestALieIsTold$/^"+tt.told+"$", "-test.timeout=5m")
			cmd.Env = append(os.Environ(), lieEnv+"="+tt.name)
			out, err := cmd.CombinedOutput()
			require.Error(t, err, "it is believed:\n%s", out)
			require.Contains(t, string(out), "--- FAIL: TestALieIsTold/"+tt.told, "%s", out)
			require.Contains(t, string(out), tt.says)
			require.Contains(t, string(out), "to do: ")
			require.NotContains(t, strings.ReplaceAll(string(out), "http: panic", ""), "panic:")
		})
	}
}
