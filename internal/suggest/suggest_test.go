package suggest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNearest(t *testing.T) {
	names := []string{"failover", "duplicates", "lost", "outage"}
	for word, want := range map[string]string{
		"fialover":  "failover",
		"duplicate": "duplicates",
		"lots":      "lost",
		"zzzzzz":    "",
	} {
		require.Equal(t, want, Nearest(word, names), word)
	}
}

func TestUnknownNamesTheCandidates(t *testing.T) {
	err := Unknown("gate", "outrage", []string{"lost", "outage"})
	require.EqualError(t, err, `unknown gate "outrage": did you mean "outage"? (there are: lost, outage)`)
}

func TestAWallOfNamesIsCut(t *testing.T) {
	var many []string
	for c := 'a'; c <= 'z'; c++ {
		many = append(many, string(c)+"-something")
	}
	require.EqualError(t, Unknown("verb", "zzzz", many),
		`unknown verb "zzzz": there are: a-something, b-something, c-something, d-something, e-something, f-something, g-something, `+
			"h-something, i-something, j-something, k-something, l-something, m-something, n-something, o-something and 11 more; "+
			"`drillrun list verbs` and `drillrun list faults` show all")
	require.EqualError(t, Unknown("verb", "c-somethin", many),
		"unknown verb \"c-somethin\": did you mean \"c-something\"? (`drillrun list verbs` and `drillrun list faults` show all)")
	require.Less(t, len(Unknown("verb", string(make([]byte, 200_000)), many).Error()), 2000)
}
