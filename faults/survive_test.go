package faults

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPanicBesideTheEngineIsAnError(t *testing.T) {
	u := keepUp(t.Context(), func(context.Context) error { panic("out of luck") })
	require.ErrorContains(t, u.end(t.Context()), "it panicked: out of luck")
	require.EqualError(t, survive(func() error { panic("out of luck") })(), "it panicked: out of luck")
	require.NoError(t, survive(func() error { return nil })())
}
