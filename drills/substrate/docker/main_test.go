package docker_test

import (
	"strings"
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/docker"
	"github.com/drillrun/drillrun/drills/substrate/docker/enginetest"
	"github.com/drillrun/drillrun/drills/substrate/substratetest/prober"
)

func TestMain(m *testing.M) {
	prober.Run()
	runHarness()
	runHealer()
	goleak.VerifyTestMain(m)
}

// open is a provider for a test, with the images that it needs.
func open(t *testing.T) *docker.Provider {
	t.Helper()
	images(t)
	p, err := docker.Open(t.Context(), docker.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// images builds those of the stores where there are none: as `make images`.
func images(t *testing.T) *client.Client {
	t.Helper()
	engine := enginetest.Engine(t)
	for _, f := range docker.Check(t.Context(), docker.Config{}) {
		switch {
		case f.Err == nil:
		case f.Name == "namespaces":
			t.Skipf("NOT RUN: %v", f.Err)
		case strings.HasSuffix(f.Name, "image"):
			require.NoError(t, docker.BuildImages(t.Context(), "/proc/self/exe", func(docker.Built) error { return nil }))
			return engine
		}
	}
	return engine
}

func newSubstrate(t *testing.T, p *docker.Provider) drills.Substrate {
	t.Helper()
	s, err := p.New(t.Context(), docker.Options{})
	require.NoError(t, err)
	return s
}
