package manifest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// witnessed is a bearer of the token "secret" in front of a witness that does this.
func witnessed(t *testing.T, witness http.HandlerFunc) *bearer {
	t.Helper()
	server := httptest.NewServer(witness)
	t.Cleanup(server.Close)
	b, err := speakFor(t.Context(), strings.TrimPrefix(server.URL, "http://"), "secret")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.close()) })
	return b
}

func report(t *testing.T, b *bearer) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+b.addr+"/v1/effects", strings.NewReader(`{"key":"17"}`))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer guess")
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return (&http.Client{Transport: transport}).Do(req)
}

func TestABearerGivesEachRequestItsToken(t *testing.T) {
	b := witnessed(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Authorization") != "Bearer secret" || r.URL.Path != "/v1/effects" || string(body) != `{"key":"17"}` {
			t.Errorf("%v %v %q: %v", r.URL, r.Header, body, err)
		}
		w.WriteHeader(http.StatusAlreadyReported)
	})
	answer, err := report(t, b)
	require.NoError(t, err)
	require.Equal(t, http.StatusAlreadyReported, answer.StatusCode)
	require.NoError(t, answer.Body.Close())
	require.NoError(t, b.close())
	_, err = report(t, b)
	require.Error(t, err, "nobody speaks any more")
}

func TestABearerHandsOnThatSomebodyHangsUp(t *testing.T) {
	b := witnessed(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := report(t, b)
	require.ErrorIs(t, err, io.EOF, "a witness that answers nothing is no witness that refuses")

	left := make(chan struct{})
	b = witnessed(t, func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
		close(left)
	})
	client := &http.Client{Timeout: 50 * time.Millisecond, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	_, err = client.Post("http://"+b.addr+"/v1/effects", "application/json", strings.NewReader("{}"))
	require.Error(t, err)
	select {
	case <-left:
	case <-time.After(10 * time.Second):
		require.Fail(t, "the witness does not hear that the replica has hung up")
	}
}
