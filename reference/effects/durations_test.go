package effects_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/effects"
)

func TestPingsAndDurationsOnTheWire(t *testing.T) {
	status := 0
	var sent string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		sent = r.Method + " " + r.URL.Path + " " + r.Header.Get("Authorization") + " " + string(body)
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	c := client(t, server.URL, time.Second)
	durations := effects.Durations{What: "refused", Subject: "compute", Took: []time.Duration{1500, time.Millisecond}}

	status = http.StatusOK
	require.NoError(t, c.Ping(t.Context()))
	require.Equal(t, "GET /healthz Bearer token ", sent)
	status = http.StatusNoContent
	require.NoError(t, c.Measured(t.Context(), durations))
	require.Equal(t, `POST /v1/durations Bearer token {"what":"refused","subject":"compute","took":[1500,1000000]}`, sent)

	status = http.StatusServiceUnavailable
	require.True(t, effects.Temporary(c.Ping(t.Context())))
	require.True(t, effects.Temporary(c.Measured(t.Context(), durations)))
	status = http.StatusNotFound
	require.ErrorIs(t, c.Measured(t.Context(), durations), effects.ErrRefused)

	server.Close()
	require.True(t, effects.Temporary(c.Ping(t.Context())))
	require.True(t, effects.Temporary(c.Measured(t.Context(), durations)))
}
