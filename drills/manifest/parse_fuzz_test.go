package manifest

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever a manifest is, it is either taken, and then by the schema too, or each
// mistake names a place that is there.
func FuzzParse(f *testing.F) {
	_, by := schema(f)
	for _, source := range []string{whole, small, "", "a: &x [*x]", "? a\n: b", "%YAML 1.2\n---\nname: |\n  x", "name: \"\\u0000\"", "{a: {b: [c"} {
		f.Add([]byte(source))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		system, err := Parse("fuzz.yaml", source)
		if err != nil {
			requirePlaces(t, err, 1+bytes.Count(source, []byte("\n")))
			return
		}
		require.NotEmpty(t, system.Name())
		require.Positive(t, system.Settle())
		require.True(t, system.replica.image != "" || len(system.replica.command) > 0)
		require.NoError(t, judge(t, by, source), "%q", source)
	})
}

// requirePlaces wants every error to be at a place in lines 1 to last.
func requirePlaces(t *testing.T, err error, last int) {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok)
	for _, e := range joined.Unwrap() {
		var mistake *Error
		require.ErrorAs(t, e, &mistake)
		require.Equal(t, "fuzz.yaml", mistake.File)
		require.True(t, 1 <= mistake.Line && mistake.Line <= last, "line %d of %d: %v", mistake.Line, last, err)
		require.Positive(t, mistake.Column)
		require.NotEmpty(t, mistake.Error())
	}
}
