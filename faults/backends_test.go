package faults_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/drills/witness"
	"github.com/drillrun/drillrun/faults"
)

// outside is a target with the backends of a real witness. At the end, no
// probe may have left an effect.
func outside(t *testing.T) *victims {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.jsonl")
	log, err := history.Create(path, history.Header{})
	require.NoError(t, err)
	w, err := witness.Start(t.Context(), witness.Config{Log: log})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, w.Close(context.Background()))
		require.NoError(t, log.Seal())
		h, err := history.Open(path)
		require.NoError(t, err)
		for e, err := range h.Events() {
			require.NoError(t, err)
			require.Fail(t, "a probe had an effect", "%+v", e)
		}
	})
	return &victims{backends: w.Backends()}
}

func impairments(t *testing.T, name string) map[string]drills.Fault {
	return map[string]drills.Fault{
		"fail":   newFault(t, faults.Fail(), nil, name),
		"share":  newFault(t, faults.Fail(), map[string]string{"share": "50%"}, name),
		"seldom": newFault(t, faults.Fail(), map[string]string{"share": "3%"}, name),
		"by key": newFault(t, faults.Fail(), map[string]string{"share": "50%", "by": "key"}, name),
		"slow":   newFault(t, faults.Slow(), map[string]string{"delay": "100ms"}, name),
		"slower": newFault(t, faults.Slow(), map[string]string{"delay": "1h"}, name),
		"hang":   newFault(t, faults.Hang(), nil, name),
	}
}

func TestAnImpairedBackendIsProvedAndHealed(t *testing.T) {
	target := outside(t)
	for name, f := range impairments(t, "storage") {
		t.Run(name, func(t *testing.T) {
			undo, _ := bite(t, f, target)
			require.Equal(t, drills.Undo{Action: drills.ActionHeal, Victims: []string{"backend/storage"}}, undo)
			_, err := newFault(t, faults.Fail(), nil, "compute").Plan(t.Context(), target)
			require.NoError(t, err, "the other backends are healthy")

			require.NoError(t, f.Recover(t.Context()))
			_, err = f.Await(t.Context())
			require.Error(t, err, "a healed backend proves nothing")
			require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")
		})
	}
}

func TestNothingIsProvedOfABackendThatWasLeftAlone(t *testing.T) {
	target := outside(t)
	for name, want := range map[string]string{
		"fail": "0 of 10 probes were refused", "share": "0 of 30 probes were refused", "seldom": "0 of 681 probes were refused",
		"by key": "0 of 30 probes were refused",
		"slow":   "a probe took", "slower": "a probe took", "hang": "a probe was answered",
	} {
		t.Run(name, func(t *testing.T) {
			f := impairments(t, "dns")[name]
			_, err := f.Plan(t.Context(), target)
			require.NoError(t, err)
			_, err = f.Await(t.Context())
			require.ErrorContains(t, err, "backend dns: ")
			require.ErrorContains(t, err, want)
			require.NoError(t, f.Recover(t.Context()), "without an Inject too")
		})
	}
}

func TestABackendThatWasBadBeforeProvesNothing(t *testing.T) {
	target := outside(t)
	f := newFault(t, faults.Fail(), map[string]string{"share": "50%"}, "compute")
	_, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	require.NoError(t, target.backends[0].Degrade(t.Context(), drills.Impairment{Kind: drills.Failing, Share: 1}))
	_, err = f.Await(t.Context())
	require.ErrorContains(t, err, "30 of 30 probes were refused", "half of them was asked for")
	_, err = f.Plan(t.Context(), target)
	require.ErrorContains(t, err, "backend compute: it is not healthy: a probe was answered 503")
}

func TestAllBackendsAreHitAtOnce(t *testing.T) {
	target := outside(t)
	all := []string{"backend/compute", "backend/network", "backend/storage", "backend/dns", "backend/loadbalancer"}
	f := newFault(t, faults.Hang(), nil, "all")
	undo, evidence := bite(t, f, target)
	require.Equal(t, all, undo.Victims)
	require.Equal(t, all, evidence["silent"])
	require.NoError(t, f.Recover(t.Context()))
}

func TestABackendMustExist(t *testing.T) {
	for _, spec := range []drills.FaultSpec{faults.Fail(), faults.Slow(), faults.Hang()} {
		err := spec.Check(drills.Args{Words: []string{"storge"}})
		require.ErrorContains(t, err, `unknown backend "storge": did you mean "storage"?`)
	}
	_, err := newFault(t, faults.Hang(), nil, "storage").Plan(t.Context(), &victims{})
	require.ErrorContains(t, err, `the drill has no backend to hit by "storage"`)
}

func TestCallsThatFailByArrivalProveNothingOfThoseByKey(t *testing.T) {
	target := outside(t)
	f := newFault(t, faults.Fail(), map[string]string{"share": "50%", "by": "key"}, "compute")
	_, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	require.NoError(t, target.backends[0].Degrade(t.Context(), drills.Impairment{Kind: drills.Failing, Share: 0.5}))
	_, err = f.Await(t.Context())
	require.ErrorContains(t, err, "a probe with one key was answered")
	require.NoError(t, f.Recover(t.Context()))
}

func TestFaultsOfBackendsSayWhatIsWrongWithTheirWords(t *testing.T) {
	for _, c := range []struct {
		spec    drills.FaultSpec
		words   []string
		options map[string]string
		want    string
	}{
		{faults.Fail(), nil, nil, "takes 1 word, has 0"},
		{faults.Fail(), []string{"dns", "compute"}, nil, "takes at most 1 word"},
		{faults.Fail(), []string{"dns"}, map[string]string{"share": "half"}, "want a whole percentage from 1% to 100%"},
		{faults.Fail(), []string{"dns"}, map[string]string{"share": "50"}, "want a whole percentage from 1% to 100%"},
		{faults.Fail(), []string{"dns"}, map[string]string{"share": "0%"}, "want a whole percentage from 1% to 100%"},
		{faults.Fail(), []string{"dns"}, map[string]string{"for": "-1s"}, "not a positive duration"},
		{faults.Fail(), []string{"dns"}, map[string]string{"share": "50%", "by": "luck"}, "want by=arrival or by=key"},
		{faults.Fail(), []string{"dns"}, map[string]string{"by": "key"}, "write share=50%, too"},
		{faults.Slow(), []string{"dns"}, nil, "write delay=500ms"},
		{faults.Slow(), []string{"dns"}, map[string]string{"delay": "slow"}, "not a duration"},
		{faults.Hang(), []string{"dns"}, map[string]string{"delay": "1s"}, "it takes for="},
	} {
		err := c.spec.Check(drills.Args{Words: c.words, Options: c.options})
		require.ErrorContains(t, err, c.want, "%s %v %v", c.spec.Name, c.words, c.options)
	}
}
