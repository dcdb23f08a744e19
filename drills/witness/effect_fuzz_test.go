package witness

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
)

func FuzzEffects(f *testing.F) {
	for _, text := range []string{
		`{"subject":"s","key":"k","kind":"once"}`,
		`{"subject":"s","key":"k","kind":"fenced","leadership":"cron","term":18446744073709551615,"attempt":2}`,
		`{"subject":"s","key":"\ud800","kind":"record"} `,
		`{"subject":"s","key":"k","kind":"once"}{}`,
		`{"Subject":"s","key":null,"kind":"once","x":[]}`,
		"\xff", "", "null", "[[[[",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := decodeEffect(text)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.LessOrEqual(t, len(text), maxEffect)
		require.Contains(t, []string{history.KindOnce, history.KindFenced, history.KindRecord}, e.Kind)
		require.NotEmpty(t, e.Subject)
		require.NotEmpty(t, e.Key)
		require.True(t, e.Kind != history.KindFenced || e.Leadership != "")

		var plain effect
		require.NoError(t, json.Unmarshal(text, &plain))
		require.Equal(t, plain, e)
		again, err := json.Marshal(e)
		require.NoError(t, err)
		same, err := decodeEffect(again)
		require.NoError(t, err)
		require.Equal(t, e, same)
	})
}
