package witness

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
)

func (w *world) report(addr, token, body string) (status int, text string) {
	r, err := http.NewRequest(http.MethodPost, "http://"+addr+"/v1/durations", strings.NewReader(body))
	require.NoError(w.t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	return w.do(r)
}

func TestDurationsAreRecordedAsTheyWereMeasured(t *testing.T) {
	w := newWorld(t)
	status, body := w.report(w.Addr(), w.Token("replica-2"), `{"what":"refused","subject":"compute","took":[1250,0]}`)
	require.Equal(t, http.StatusNoContent, status)
	require.Empty(t, body)
	events := w.events()
	require.Len(t, events, 1)
	require.Equal(t, "witness took info", events[0].Actor+" "+events[0].Op+" "+string(events[0].Phase))
	got, err := history.Decode[history.Durations](&events[0])
	require.NoError(t, err)
	require.Equal(t, history.Durations{
		Replica: "replica-2", What: history.TookRefused, Subject: "compute", Took: []time.Duration{1250, 0},
	}, got)
}

func TestWhatIsNoDurationIsRefused(t *testing.T) {
	w := newWorld(t)
	token := w.Token("replica-1")
	for body, want := range map[string]string{
		"":     "it is empty",
		"null": `what is \"\"`,
		`{"what":"idle","subject":"dns","took":[1]}`:                                    `what is \"idle\"`,
		`{"what":"call","took":[1]}`:                                                    "subject is missing",
		`{"what":"call","subject":"dns"}`:                                               "took has 0 values",
		`{"what":"call","subject":"dns","took":[-1]}`:                                   "value 1 of took is -1ns",
		`{"what":"call","subject":"dns","took":[1,3600000000001]}`:                      "value 2 of took is 1h0m0.000000001s",
		`{"what":"call","subject":"dns","took":[1.5]}`:                                  "not durations",
		`{"what":"call","subject":"dns","took":[1],"unit":"ns"}`:                        `unknown field \"unit\"`,
		`{"what":"call","subject":"dns","took":[1]} {}`:                                 "something follows it",
		`{"what":"call","subject":"` + strings.Repeat("d", 1025) + `"}`:                 "subject has 1025 bytes",
		`{"what":"call","subject":"` + "\xff" + `","took":[1]}`:                         "subject is not UTF-8",
		`{"what":"call","subject":"d","took":[1` + strings.Repeat(",1", maxTook) + `]}`: "took has 10001 values",
	} {
		status, answer := w.report(w.Addr(), token, body)
		require.Equal(t, http.StatusBadRequest, status, body)
		require.Contains(t, answer, want)
	}
	status, _ := w.report(w.Addr(), token, strings.Repeat(" ", maxDurations+1))
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	status, _ = w.report(w.Addr(), "guessed", `{"what":"call","subject":"dns","took":[1]}`)
	require.Equal(t, http.StatusUnauthorized, status)
	status, _ = w.report(w.backends[0].Addr(), token, `{"what":"call","subject":"dns","took":[1]}`)
	require.Equal(t, http.StatusNotFound, status, "a backend takes none")
	require.Empty(t, w.events())
}

func TestDurationsAfterTheDrillAreNotTaken(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.Close(context.Background()))
	require.ErrorIs(t, w.ledger.note("replica-1", &durations{}), errClosed)
}
