package faults_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

// linkFaults is every fault of links that takes a direction or not, with
// options that it can be proved by, and what refutes it on a healthy link.
var linkFaults = []struct {
	spec     drills.FaultSpec
	options  map[string]string
	directed bool
	refuted  string
}{
	{faults.Partition(), nil, true, "a probe was answered"},
	{faults.Stall(), nil, true, "not silent"},
	{faults.Refuse(), nil, false, "a probe was not refused"},
	{faults.Reset(), nil, false, "was not reset"},
	{faults.Latency(), map[string]string{"delay": "400ms"}, true, "a probe took"},
	{faults.Bandwidth(), map[string]string{"rate": "32KB/s"}, true, "a probe took"},
	{faults.Slice(), map[string]string{"size": "100", "delay": "6ms"}, true, "a probe took"},
	{faults.Limit(), map[string]string{"bytes": "4096"}, true, "a probe with more bytes was answered"},
}

func TestFaultsOfLinksAreProvedOnEveryLinkAndRecovered(t *testing.T) {
	target := start(t, "replica-1")
	target.store(t, drills.RolePostgres)
	target.store(t, drills.RoleRedis)
	target.witness(t)
	for _, tt := range linkFaults {
		for _, direction := range []string{"both", "requests", "replies"} {
			options := map[string]string{}
			for name, value := range tt.options {
				options[name] = value
			}
			if tt.directed {
				options["dir"] = direction
			} else if direction != "both" {
				continue
			}
			t.Run(tt.spec.Name+" "+direction, func(t *testing.T) {
				f := newFault(t, tt.spec, options, "replica-1->all")
				undo, err := f.Plan(t.Context(), target)
				require.NoError(t, err)
				require.Equal(t, drills.ActionHeal, undo.Action)
				require.Equal(t, []string{"replica-1"}, undo.Victims)
				require.ElementsMatch(t, []string{"replica-1->postgres", "replica-1->redis", "replica-1->witness"}, undo.Links)

				_, err = f.Await(t.Context())
				require.ErrorContains(t, err, tt.refuted, "nothing was injected")
				require.NoError(t, f.Recover(t.Context()), "after an injection that did not come about")

				_, evidence := bite(t, f, target)
				require.Contains(t, evidence, key(tt.spec.Name))
				require.ElementsMatch(t, undo.Links, evidence[key(tt.spec.Name)])
				require.NoError(t, f.Recover(t.Context()))
				require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")

				_, err = newFault(t, tt.spec, options, "replica-1->all").Plan(t.Context(), target)
				require.NoError(t, err, "the links are as they were")
			})
		}
	}
}

// key is under which name evidence has the links.
func key(fault string) string {
	switch fault {
	case "partition", "stall":
		return "silent"
	case "refuse":
		return "refused"
	case "reset":
		return "reset"
	case "limit":
		return "closed"
	}
	return "late"
}

func TestFaultsOfLinksSayWhatIsWrongWithTheirWords(t *testing.T) {
	for _, tt := range []struct {
		spec    drills.FaultSpec
		options map[string]string
		want    string
	}{
		{faults.Refuse(), map[string]string{"dir": "requests"}, "unknown option dir="},
		{faults.Reset(), map[string]string{"dir": "both"}, "unknown option dir="},
		{faults.Reset(), map[string]string{"for": "soon"}, "not a duration"},
		{faults.Stall(), map[string]string{"dir": "left"}, "want both, requests or replies"},
		{faults.Bandwidth(), nil, "write rate=16KB/s"},
		{faults.Bandwidth(), map[string]string{"rate": "16"}, "want bytes a second"},
		{faults.Bandwidth(), map[string]string{"rate": "1MB/s"}, "at most"},
		{faults.Slice(), map[string]string{"size": "100"}, "write size=100 delay=5ms"},
		{faults.Slice(), map[string]string{"size": "1400", "delay": "1ms"}, "proves nothing"},
		{faults.Limit(), nil, "write bytes=4096"},
		{faults.Limit(), map[string]string{"bytes": "0"}, "want a whole number"},
	} {
		err := tt.spec.Check(drills.Args{Words: []string{"leader->redis"}, Options: tt.options})
		require.ErrorContains(t, err, tt.want, tt.spec.Name)
	}
}

func TestFaultsThatVictimsCanLiveWithAreMild(t *testing.T) {
	mild := map[string]bool{"latency": true, "bandwidth": true, "slice": true, "limit": true}
	for _, tt := range linkFaults {
		require.Equal(t, mild[tt.spec.Name], tt.spec.Mild, tt.spec.Name)
	}
}

// witness adds a service that is no process of the cluster, with a link to it
// from each process that runs already.
func (v *victims) witness(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(server.Close)
	for _, p := range v.processes {
		if p.Info().Role != drills.RoleReplica {
			continue
		}
		v.link(t, drills.LinkSpec{From: p.Info().Name, To: "witness", Upstream: server.Listener.Addr().String()})
	}
}
