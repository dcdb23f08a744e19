package history_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
)

func TestATallyTellsTheFirstAndEachDoubling(t *testing.T) {
	var tally history.Tally
	var told []int
	for range 100 {
		if n, tell := tally.Add("401"); tell {
			told = append(told, n)
		}
	}
	require.Equal(t, []int{1, 2, 4, 8, 16, 32, 64}, told)
	n, tell := tally.Add("400")
	require.Equal(t, 1, n, "kinds are counted apart")
	require.True(t, tell)
}

func TestATallyOfWhatSomebodyMakesUpHasAnEnd(t *testing.T) {
	var tally history.Tally
	told := 0
	for i := range 10_000 {
		if _, tell := tally.Add(strconv.Itoa(i)); tell {
			told++
		}
	}
	require.Equal(t, 100+14, told, "the other 9,900 are one kind")
}
