package faults_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

// plugged is a real process whose network is a link in front of it.
type plugged struct {
	drills.Process
	link drills.Link
}

func (p plugged) Detach(ctx context.Context) error {
	return p.link.Degrade(ctx, drills.Degradation{Kind: drills.Refuse})
}

func (p plugged) Attach(ctx context.Context) error { return p.link.Heal(ctx) }

// plug gives the only process of a target a network of its own, on which it
// answers.
func plug(t *testing.T) (*victims, plugged) {
	t.Helper()
	target := start(t, "replica-1")
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	l := target.link(t, drills.LinkSpec{From: "clients", To: "replica-1", Upstream: server.Listener.Addr().String()})
	p := plugged{target.processes[0], l}
	target.processes[0] = p
	return target, p
}

func TestAProcessIsOffTheNetworkWhenItCannotBeReachedAndRuns(t *testing.T) {
	target, p := plug(t)
	pid := p.Info().PID
	f := newFault(t, faults.Disconnect(), nil, "replica-1")
	undo, evidence := bite(t, f, target)
	require.Equal(t, drills.Undo{Action: drills.ActionHeal, Victims: []string{"replica-1"}}, undo)
	require.Equal(t, []string{"replica-1"}, evidence["unreachable"])
	require.Equal(t, map[string]int{"replica-1": pid}, evidence["running"])

	_, err := newFault(t, faults.Disconnect(), nil, "replica-1").Plan(t.Context(), target)
	require.ErrorContains(t, err, "reach replica-1", "what cannot be reached before proves nothing after")
	require.NoError(t, f.Recover(t.Context()))
	require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")
	conn, err := net.Dial("tcp", p.link.Addr())
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}

func TestAProcessThatIsReachedOrGoneIsNotOffTheNetwork(t *testing.T) {
	target, p := plug(t)
	f := newFault(t, faults.Disconnect(), nil, "replica-1")
	_, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), briefly)
	defer cancel()
	_, err = f.Await(ctx)
	require.ErrorContains(t, err, "wait until it cannot be reached", "nothing was injected")
	require.NoError(t, f.Recover(t.Context()), "after an injection that did not come about")

	require.NoError(t, f.Inject(t.Context()))
	require.NoError(t, p.Kill(t.Context()))
	_, err = f.Await(t.Context())
	require.ErrorContains(t, err, "replica-1 is no longer pid")
	require.NoError(t, f.Recover(t.Context()), "who does not run need not be reached")
}

func TestAProcessThatNothingLeadsToCannotBeSeenOffTheNetwork(t *testing.T) {
	target, _ := plug(t)
	target.links = nil
	_, err := newFault(t, faults.Disconnect(), nil, "replica-1").Plan(t.Context(), target)
	require.ErrorContains(t, err, "no link leads to replica-1")
}
