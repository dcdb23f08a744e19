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
