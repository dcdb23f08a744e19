package witness

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
)

func TestWhatIsRefusedIsRecordedOnceAndThenWhenItHasDoubled(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		r, err := http.NewRequest(http.MethodPost, "http://"+w.Addr()+"/v1/effects", strings.NewReader("{}"))
		require.NoError(t, err)
		w.do(r)
	}
	w.send("replica-2", typeJSON, `{"subject":"job/1"}`)
	w.send("replica-2", typeLines, `{"subject":"job/1","kind":"once"}`+"\n"+`{"subject":"job/1","key":"k","kind":"once"}`)
	w.send("replica-2", typeJSON, `{"subject":"job/1","key":"k","kind":"fenced","leadership":"cron","term":0}`)
	r, err := http.NewRequest(http.MethodGet, "http://"+w.Addr()+"/v1/effects/"+strings.Repeat("x", 1000), nil)
	require.NoError(t, err)
	w.do(r)
	var told []history.Refused
	for _, e := range w.record() {
		if e.Op != history.OpRefused {
			continue
		}
		r, err := history.Decode[history.Refused](&e)
		require.NoError(t, err)
		require.LessOrEqual(t, len(r.Why), whyLimit)
		told = append(told, r)
	}
	unknown := "POST /v1/effects: send the replica's token as Authorization: Bearer TOKEN"
	require.Len(t, told, 6, "a stale effect and one that was taken are not among them")
	require.Equal(t, []history.Refused{
		{Status: http.StatusUnauthorized, Why: unknown, Count: 1},
		{Status: http.StatusUnauthorized, Why: unknown, Count: 2},
		{Status: http.StatusUnauthorized, Why: unknown, Count: 4},
		{Replica: "replica-2", Status: http.StatusBadRequest, Why: "POST /v1/effects: key is missing", Count: 1},
		{Replica: "replica-2", Status: http.StatusBadRequest, Why: "key is missing", Count: 1},
	}, told[:5])
	require.Equal(t, http.StatusNotFound, told[5].Status)
}

func TestABackendRecordsWhatItRefuses(t *testing.T) {
	w := newWorld(t)
	at := "http://" + w.Backends()[0].Addr()
	for path, send := range map[string]struct{ method, media, body string }{
		"/v1/effects":    {http.MethodPost, typeLines, "{}"},
		"/v1/durations":  {http.MethodPost, typeJSON, "{}"},
		"/v1/effects?a":  {http.MethodPut, typeJSON, "{}"},
		"/v1/effects?bb": {http.MethodPost, typeJSON, strings.Repeat(" ", maxEffect+1)},
	} {
		r, err := http.NewRequest(send.method, at+path, strings.NewReader(send.body))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+w.Token("replica-3"))
		r.Header.Set("Content-Type", send.media)
		w.do(r)
	}
	told := map[int]int{}
	for _, e := range w.record() {
		require.Equal(t, history.OpRefused, e.Op)
		require.Equal(t, "backend/compute", e.Actor)
		r, err := history.Decode[history.Refused](&e)
		require.NoError(t, err)
		require.Equal(t, "replica-3", r.Replica)
		told[r.Status] = r.Count
	}
	require.Equal(t, map[int]int{
		http.StatusUnsupportedMediaType: 1, http.StatusNotFound: 1, http.StatusMethodNotAllowed: 1, http.StatusRequestEntityTooLarge: 1,
	}, told)
}

// deaf cannot accept a connection, so many times.
type deaf struct {
	net.Listener
	times int
}

func (l *deaf) Accept() (net.Conn, error) {
	if l.times--; l.times >= 0 {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return nil, net.ErrClosed
}

func TestConnectionsThatCouldNotBeAcceptedAreTroubleOfTheHarness(t *testing.T) {
	w := newWorld(t)
	l := &troubledListener{Listener: &deaf{times: 5}, ledger: w.ledger}
	for {
		if _, err := l.Accept(); errors.Is(err, net.ErrClosed) {
			break
		}
	}
	var counts []int
	for _, e := range w.record() {
		require.Equal(t, history.OpTrouble, e.Op)
		require.Contains(t, e.Err, "too many open files")
		trouble, err := history.Decode[history.Trouble](&e)
		require.NoError(t, err)
		counts = append(counts, trouble.Count)
	}
	require.Equal(t, []int{1, 2, 4}, counts)
}

func TestACrashOfTheWitnessIsTroubleOfTheHarness(t *testing.T) {
	w := newWorld(t)
	crash := w.recordCrashes(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("out of luck") }))
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { crash.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)) })
	gone := w.recordCrashes(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { gone.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)) })
	record := w.record()
	require.Len(t, record, 1)
	require.Equal(t, history.OpTrouble, record[0].Op)
	require.Equal(t, "it panicked: out of luck", record[0].Err)
}
