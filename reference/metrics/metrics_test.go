package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/metrics"
)

func TestEachReplicasMetricsAreItsOwn(t *testing.T) {
	a, b := metrics.New(), metrics.New()
	a.Job("done", 3)
	a.Effect("accepted")
	a.Republished(2)
	a.Published(5)
	a.Failure("relay")
	a.Leadership("control", 7, true)
	a.Call("compute", "open")
	a.Changed("compute", "open")
	a.Breaker("compute", "open")
	a.Dropped("durations", 4)
	text := scrape(a)
	for _, line := range []string{
		`controlplane_jobs_total{outcome="done"} 3`, `controlplane_effects_total{outcome="accepted"} 1`,
		`controlplane_republished_total 2`, `controlplane_published_total 5`, `controlplane_failures_total{part="relay"} 1`,
		`controlplane_leadership_term{key="control"} 7`, `controlplane_leadership_held{key="control"} 1`,
		`controlplane_backend_calls_total{backend="compute",outcome="open"} 1`,
		`controlplane_breaker_changes_total{backend="compute",state="open"} 1`,
		`controlplane_breaker_state{backend="compute",state="open"} 1`,
		`controlplane_breaker_state{backend="compute",state="closed"} 0`,
		`controlplane_dropped_total{what="durations"} 4`,
	} {
		require.Contains(t, text, line)
	}
	a.Leadership("control", 7, false)
	require.Contains(t, scrape(a), `controlplane_leadership_held{key="control"} 0`)
	require.NotContains(t, scrape(b), `outcome="done"`)
}

func scrape(s *metrics.Set) string {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}
