package controlplane_test

import (
	"bytes"
	"maps"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/backends"
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/jobs"
)

func sound() map[string]string {
	env := map[string]string{
		"ROLE": "all", "REPLICA": "replica-1", "DATABASE_URL": "postgres://u@127.0.0.1:1/d", "REDIS_URL": "redis://127.0.0.1:1/0",
		"WITNESS_URL": "http://127.0.0.1:1/", "API_ADDR": "127.0.0.1:0",
	}
	for backend := range backends.Defaults().Profiles {
		env[controlplane.URLVariable(backend)] = "http://127.0.0.1:1/" + string(backend) + "/"
	}
	return env
}

func TestConfigurationHasDefaultsForEverythingThatIsNotAboutThePlace(t *testing.T) {
	env := sound()
	c, err := controlplane.FromEnvironment(func(k string) string { return env[k] })
	require.NoError(t, err)
	require.Equal(t, 10*time.Second, c.TTL)
	require.Equal(t, 5*time.Second, c.Sweep)
	require.Equal(t, time.Second, c.CronEvery)
	require.Equal(t, 10*time.Second, c.Grace)
	require.Equal(t, map[jobs.Lane]controlplane.LaneConfig{
		jobs.DefaultLane:   {Slots: 16, Lease: 10 * time.Second},
		jobs.ProvisionLane: {Slots: 20, Lease: 10 * time.Second},
		jobs.ClusterLane:   {Slots: 10, Lease: 10 * time.Second},
		jobs.PipelineLane:  {Slots: 5, Lease: 10 * time.Second},
	}, c.Lanes)
	require.Equal(t, 5, c.MaxFailures)
	require.Equal(t, controlplane.Together, c.Leadership)
	require.Equal(t, 5*time.Second, c.SingletonEvery)
	require.Equal(t, 30*time.Second, c.BreakerReset)
	require.Equal(t, "http://127.0.0.1:1", c.WitnessURL)
	require.Equal(t, "http://127.0.0.1:1/dns", c.Backends[backends.DNS])
}

func TestAReplicaIsCalledAfterItsHostUnlessItHasAName(t *testing.T) {
	env := sound()
	delete(env, "REPLICA")
	c, err := controlplane.FromEnvironment(func(k string) string { return env[k] })
	require.NoError(t, err)
	host, err := os.Hostname()
	require.NoError(t, err)
	require.Equal(t, host, c.Replica)
}

func TestALaneMayHaveALeaseOfItsOwnAndHasTheCommonOneOtherwise(t *testing.T) {
	env := sound()
	maps.Copy(env, map[string]string{"LEASE": "2s", "LEASE_CLUSTER": "30s", "SLOTS_PIPELINE": "7"})
	c, err := controlplane.FromEnvironment(func(k string) string { return env[k] })
	require.NoError(t, err)
	require.Equal(t, map[jobs.Lane]controlplane.LaneConfig{
		jobs.DefaultLane:   {Slots: 16, Lease: 2 * time.Second},
		jobs.ProvisionLane: {Slots: 20, Lease: 2 * time.Second},
		jobs.ClusterLane:   {Slots: 10, Lease: 30 * time.Second},
		jobs.PipelineLane:  {Slots: 7, Lease: 2 * time.Second},
	}, c.Lanes)
}

func TestAReplicaRefusesToStartAndNamesTheVariable(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"no role", map[string]string{"ROLE": ""}, `ROLE is "", not one of api, worker, all`},
		{"an unknown role", map[string]string{"ROLE": "leader"}, `ROLE is "leader", not one of api, worker, all`},
		{"a role in capitals", map[string]string{"ROLE": "ALL"}, `ROLE is "ALL"`},
		{"no database", map[string]string{"DATABASE_URL": ""}, "DATABASE_URL is not set"},
		{"a database of another kind", map[string]string{"DATABASE_URL": "mysql://u:secret@h/d"}, "DATABASE_URL is not a URL"},
		{"a Redis URL that is none", map[string]string{"REDIS_URL": "127.0.0.1:6379"}, "REDIS_URL is not a URL"},
		{"a database index that is none", map[string]string{"REDIS_URL": "redis://127.0.0.1:1/x"}, "REDIS_URL"},
		{"no receiver of effects", map[string]string{"WITNESS_URL": ""}, "WITNESS_URL is not set"},
		{"no backend", map[string]string{"COMPUTE_URL": ""}, "COMPUTE_URL is not set"},
		{"an unknown way to lead", map[string]string{"LEADERSHIP": "apart"}, `LEADERSHIP is "apart", not one of together, spread`},
		{"a time without unit", map[string]string{"TTL": "10"}, `TTL is "10", not a duration`},
		{"a time too short", map[string]string{"LEASE": "1ms"}, `LEASE is "1ms", not a duration of at least 200ms`},
		{"a lane's time too short", map[string]string{"LEASE_CLUSTER": "1ms"}, `LEASE_CLUSTER is "1ms", not a duration of at least 200ms`},
		{"no slots in a lane", map[string]string{"SLOTS_PROVISION": "0"}, `SLOTS_PROVISION is "0"`},
		{"no workers", map[string]string{"WORKERS": "0"}, `WORKERS is "0"`},
		{"an unknown level", map[string]string{"LOG_LEVEL": "loud"}, `LOG_LEVEL is "loud"`},
		{"no address", map[string]string{"API_ADDR": ""}, "API_ADDR is not set"},
		{"an address without port", map[string]string{"API_ADDR": "127.0.0.1"}, `API_ADDR is "127.0.0.1", not host:port`},
		{"all interfaces", map[string]string{"API_ADDR": ":8080"}, "set API_ALLOW_REMOTE=true"},
		{"another machine's way in", map[string]string{"API_ADDR": "10.0.0.1:80"}, "not a loopback address"},
		{"two mistakes", map[string]string{"SWEEP": "x", "GRACE": "y"}, `SWEEP is "x", not a duration of at least 10ms; GRACE is "y"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := sound()
			maps.Copy(env, c.env)
			var stderr bytes.Buffer
			code := controlplane.Main(t.Context(), func(k string) string { return env[k] }, &bytes.Buffer{}, &stderr)
			require.Equal(t, 3, code)
			require.Contains(t, stderr.String(), c.want)
			require.NotContains(t, stderr.String(), "secret")
		})
	}
}

func TestAReplicaMayServeOthersWhenToldSoAndAWorkerNeedsNoAddress(t *testing.T) {
	env := sound()
	env["API_ADDR"], env["API_ALLOW_REMOTE"] = "0.0.0.0:80", "true"
	_, err := controlplane.FromEnvironment(func(k string) string { return env[k] })
	require.NoError(t, err)
	env = sound()
	env["ROLE"], env["API_ADDR"] = "worker", ""
	_, err = controlplane.FromEnvironment(func(k string) string { return env[k] })
	require.NoError(t, err)
}
