// Package enginetest finds the container engine for tests that need a real one.
package enginetest

import (
	"context"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// Label is on every container, image, network and volume of a test; its value
// is the name of the test.
const Label = "io.drillrun.test"

// patience is how long an engine may take to say that it is there.
const patience = 5 * time.Second

// Engine returns a client of the engine of this machine. Where none answers,
// the test is reported as not run: there is no other engine to test against.
func Engine(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(client.FromEnv)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := c.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		t.Skipf("NOT RUN: no Docker engine answers: %v", err)
	}
	return c
}
