package gates

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSubjectsAreNumberedInTheOrderOfAppearance(t *testing.T) {
	s := newSubjects()
	const n = 100_000 // several times as many as the first table holds
	for i := range n {
		require.Equal(t, Subject(i), s.of("job/"+strconv.Itoa(i)))
	}
	for i := range n {
		require.Equal(t, Subject(i), s.of("job/"+strconv.Itoa(i)), "a known name keeps its number")
		known, is := s.known("job/" + strconv.Itoa(i))
		require.True(t, is)
		require.Equal(t, Subject(i), known)
	}
}

func TestAskingForANameDoesNotNumberIt(t *testing.T) {
	s := newSubjects()
	_, known := s.known("job/1")
	require.False(t, known)
	require.Equal(t, Subject(0), s.of("job/2"))
}

func TestAColumnIsZeroUntilItIsSet(t *testing.T) {
	var c Column[uint32]
	*c.At(3 * pageSize) = 7
	sum, count := uint32(0), 0
	for v := range c.Values() {
		sum += v
		count++
	}
	require.EqualValues(t, 7, sum)
	require.Equal(t, 4*pageSize, count)
	require.Zero(t, *c.At(2 * pageSize))
}
