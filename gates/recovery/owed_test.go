package recovery

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestADebtKnowsItsGeneration(t *testing.T) {
	var o owed
	o.add(0)
	o.turn()
	o.add(1)
	o.add(1)
	require.Equal(t, 2, o.outstanding)
	generation, paid := o.pay(1)
	require.True(t, paid)
	require.EqualValues(t, 1, generation)
	generation, paid = o.pay(0)
	require.True(t, paid)
	require.Zero(t, generation)
	_, paid = o.pay(0)
	require.False(t, paid, "a debt is paid once")
	o.add(0)
	require.Zero(t, o.outstanding, "what was paid is not owed again")
}

func TestGenerationsEndAndDoNotBeginAnew(t *testing.T) {
	var o owed
	for range 1 << 17 {
		o.turn()
	}
	o.add(3)
	generation, paid := o.pay(3)
	require.True(t, paid)
	require.EqualValues(t, math.MaxUint16-youth, generation)
}
