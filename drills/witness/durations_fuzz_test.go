package witness

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
)

func FuzzDurations(f *testing.F) {
	for _, text := range []string{
		`{"what":"refused","subject":"compute","took":[1250,980]}`,
		`{"what":"call","subject":"dns","took":[0,3600000000000]} `,
		`{"what":"call","subject":"dns","took":[3600000000001]}`,
		`{"what":"call","subject":"dns","took":[-1]}`, `{"what":"call","subject":"dns","took":[1.5,1e3]}`,
		`{"what":"call","subject":"\ud800","took":[1]}`, `{"what":"idle","subject":"s","took":[1]}`,
		`{"what":"call","subject":"s","took":null,"x":0}`, `{"what":"call","subject":"s","took":[1]}{}`,
		"\xff", "", "null", "[[[[",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := decodeDurations(text)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.Contains(t, []string{history.TookRefused, history.TookCall}, d.What)
		require.NotEmpty(t, d.Subject)
		require.LessOrEqual(t, len(d.Subject), maxString)
		require.NotEmpty(t, d.Took)
		require.LessOrEqual(t, len(d.Took), maxTook)
		for _, took := range d.Took {
			require.True(t, took >= 0 && took <= time.Hour)
		}
		again, err := json.Marshal(d)
		require.NoError(t, err)
		same, err := decodeDurations(again)
		require.NoError(t, err)
		require.Equal(t, d, same)
	})
}
