package adapter

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
)

// TestARequestIsSentOnce has a replica answer the first request and break the
// connection of each later one.
func TestARequestIsSentOnce(t *testing.T) {
	for name, ask := range map[string]func(c *client) error{
		"a submission": func(c *client) error {
			_, err := c.Do(t.Context(), drills.Op{Name: "submit", Key: "k", Subject: "job/k"})
			return err
		},
		"a question": func(c *client) error {
			_, err := c.Read(t.Context(), "k", "job/k")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var seen atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					panic(err)
				}
				if seen.Add(1) == 1 {
					if _, err := io.WriteString(w, "{}"); err != nil {
						panic(err)
					}
					return
				}
				panic(http.ErrAbortHandler)
			}))
			defer server.Close()
			c := newClient(server.Listener.Addr().String(), "")
			defer func() { require.NoError(t, c.Close()) }()
			require.NoError(t, ask(c))
			err := ask(c)
			require.Error(t, err)
			require.NotErrorIs(t, err, drills.ErrRejected)
			require.EqualValues(t, 2, seen.Load())
		})
	}
}
