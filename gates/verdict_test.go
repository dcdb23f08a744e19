package gates_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
)

func TestTheZeroVerdictIsUnknown(t *testing.T) {
	var v gates.Verdict
	require.Equal(t, gates.Unknown, v)
	require.Equal(t, "unknown", v.String())
}

func TestWorst(t *testing.T) {
	const pass, fail, unknown, na = gates.Pass, gates.Fail, gates.Unknown, gates.NotApplicable
	for name, test := range map[string]struct {
		of   []gates.Verdict
		want gates.Verdict
	}{
		"a fail outweighs an unknown":          {[]gates.Verdict{unknown, fail, pass}, fail},
		"an unknown outweighs a pass":          {[]gates.Verdict{pass, unknown, na}, unknown},
		"what does not apply is left out":      {[]gates.Verdict{na, pass}, pass},
		"nothing but n/a is unknown":           {[]gates.Verdict{na, na}, unknown},
		"nothing is unknown":                   {nil, unknown},
		"what is no verdict counts as unknown": {[]gates.Verdict{pass, gates.Verdict(9)}, gates.Verdict(9)},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, gates.Worst(test.of...)) })
	}
}

func TestVerdictsAreReadBackFromJSON(t *testing.T) {
	for _, v := range []gates.Verdict{gates.Unknown, gates.Pass, gates.Fail, gates.NotApplicable} {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		got := gates.Verdict(7)
		require.NoError(t, json.Unmarshal(text, &got))
		require.Equal(t, v, got)
	}
	var v gates.Verdict
	require.ErrorContains(t, json.Unmarshal([]byte(`"green"`), &v), `verdict "green": want unknown, pass, fail or n/a`)
}
