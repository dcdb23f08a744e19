package gates_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/gates/gatetest"
)

func TestAFaultGoesThroughItsStates(t *testing.T) {
	var f gates.Faults
	for _, step := range []struct{ line, state string }{
		{`1s fault/1 plan ok fault="kill leader" victims=replica-1`, "planned"},
		{`2s fault/1 inject invoke fault="kill leader" victims=replica-1`, "injecting"},
		{`3s fault/1 inject ok fault="kill leader" victims=replica-1 evidence=reaped`, "in effect"},
		{`4s fault/1 recover invoke fault="kill leader"`, "recovering"},
		{`5s fault/1 recover info fault="kill leader" err=busy`, "recovering"},
		{`6s fault/1 recover invoke fault="kill leader"`, "recovering"},
		{`7s fault/1 recover ok fault="kill leader"`, "recovered"},
		{`8s fault/1 recover invoke fault="kill leader"`, "recovering"},
		{`9s fault/1 recover ok fault="kill leader"`, "recovered"},
	} {
		events, err := gatetest.Parse(step.line)
		require.NoError(t, err)
		life := f.Observe(&events[0])
		require.Equal(t, step.state, life.State(), step.line)
	}
	life := f.Lives()[0]
	require.Len(t, f.Lives(), 1)
	require.Empty(t, life.Doubt())
	require.Equal(t, []string{"replica-1"}, life.Detail.Victims, "what is not repeated is kept")
	require.Equal(t, map[string]any{"shows": "reaped"}, life.Evidence)
}

func TestASecondPlanOfOneActorIsAnotherFault(t *testing.T) {
	events, err := gatetest.Parse(`
1s fault/1 plan ok fault=cut
1s fault/1 inject invoke fault=cut
1s fault/1 inject ok fault=cut
2s fault/1 recover invoke
2s fault/1 recover ok
3s fault/1 plan ok fault=cut
4s client/1 submit ok
`)
	require.NoError(t, err)
	var f gates.Faults
	for i := range events {
		f.Observe(&events[i])
	}
	require.Len(t, f.Lives(), 2)
	require.Empty(t, f.Lives()[0].Doubt())
	require.Equal(t, `fault "cut" was planned and never injected`, f.Lives()[1].Doubt())
}

func TestAnIndeterminateFaultStaysSoAfterItsRecovery(t *testing.T) {
	events, err := gatetest.Parse(`
1s fault/1 inject invoke fault=cut
1s fault/1 inject info fault=cut err=deadline
2s fault/1 recover invoke
2s fault/1 recover ok
`)
	require.NoError(t, err)
	var f gates.Faults
	for i := range events {
		f.Observe(&events[i])
	}
	require.Equal(t, "indeterminate", f.Lives()[0].State())
	require.Equal(t, `fault "cut" was never proved to be in effect: deadline`, f.Lives()[0].Doubt())
}
