package witness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/drills/history"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a witness, its history, and a sender.
type world struct {
	*Witness
	t      testing.TB
	log    *history.Log
	path   string
	sender *http.Client
}

func newWorld(t testing.TB) *world { return newWorldWith(t, defaultTimeouts()) }

func newWorldWith(t testing.TB, limits timeouts) *world {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	log, err := history.Create(path, history.Header{})
	require.NoError(t, err)
	w, err := start(t.Context(), Config{Log: log}, limits)
	require.NoError(t, err)
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		require.NoError(t, w.Close(context.Background()))
		require.NoError(t, log.Close())
	})
	return &world{Witness: w, t: t, log: log, path: path, sender: &http.Client{Transport: transport}}
}

// send posts a body with a replica's token.
func (w *world) send(replica, media, body string) (status int, text string) {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://"+w.Addr()+"/v1/effects", strings.NewReader(body))
	require.NoError(w.t, err)
	r.Header.Set("Authorization", "Bearer "+w.Token(replica))
	r.Header.Set("Content-Type", media)
	return w.do(r)
}

func (w *world) do(r *http.Request) (status int, text string) {
	w.t.Helper()
	response, err := w.sender.Do(r)
	require.NoError(w.t, err)
	text, err = readText(response.Body)
	require.NoError(w.t, err)
	require.NoError(w.t, response.Body.Close())
	return response.StatusCode, text
}

func readText(r io.Reader) (string, error) {
	text, err := io.ReadAll(r)
	return strings.TrimSuffix(string(text), "\n"), err
}

// events seals the history and returns what was decided.
func (w *world) events() (decided []history.Event) {
	w.t.Helper()
	for _, e := range w.record() {
		if e.Op != history.OpRefused {
			decided = append(decided, e)
		}
	}
	return decided
}

// record seals the history and returns all of it.
func (w *world) record() []history.Event {
	w.t.Helper()
	require.NoError(w.t, w.Close(context.Background()))
	require.NoError(w.t, w.log.Seal())
	h, err := history.Open(w.path)
	require.NoError(w.t, err)
	var events []history.Event
	for e, err := range h.Events() {
		require.NoError(w.t, err)
		events = append(events, e.Clone())
	}
	return events
}

func text(e effect) string {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestEachKindHasItsPolicy(t *testing.T) {
	once := func(subject, key string) effect { return effect{Subject: subject, Key: key, Kind: "once"} }
	fenced := func(leadership string, term uint64, key string) effect {
		return effect{Subject: key, Key: key, Kind: "fenced", Leadership: leadership, Term: term}
	}
	record := effect{Subject: "s", Key: "k", Kind: "record"}
	const accepted, seen = `200 {"outcome":"accepted"}`, `208 {"outcome":"seen"}`
	type step struct {
		effect effect
		want   string
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"once: the first of a key is accepted, the rest are seen", []step{
			{once("s", "k"), accepted}, {once("s", "k"), seen}, {once("s", "k"), seen}, {once("s", "k2"), accepted},
		}},
		{"once: a key under another subject is seen, with a note", []step{
			{once("s", "k"), accepted},
			{once("other", "k"), `208 {"outcome":"seen","note":"the key was accepted under another subject"}`},
		}},
		{"once: a term is recorded, not judged", []step{
			{effect{Subject: "s", Key: "1", Kind: "once", Leadership: "cron", Term: 5}, accepted},
			{effect{Subject: "s", Key: "2", Kind: "once", Leadership: "cron", Term: 4}, accepted},
			{fenced("cron", 1, "3"), accepted},
		}},
		{"fenced: a lower term is stale, the same goes on", []step{
			{fenced("cron", 7, "1"), accepted}, {fenced("cron", 7, "2"), accepted},
			{fenced("cron", 8, "3"), accepted}, {fenced("cron", 7, "4"), `409 {"outcome":"stale","term":8}`},
		}},
		{"fenced: a missing term is stale", []step{
			{fenced("cron", 0, "1"), `409 {"outcome":"stale","term":0}`},
			{fenced("cron", 2, "2"), accepted}, {fenced("cron", 0, "3"), `409 {"outcome":"stale","term":2}`},
		}},
		{"fenced: what a dead leader did is seen under the next", []step{
			{fenced("cron", 1, "slot-1"), accepted}, {fenced("cron", 2, "slot-1"), seen},
		}},
		{"fenced: a seen effect raises the bar too", []step{
			{fenced("cron", 1, "slot-1"), accepted}, {fenced("cron", 2, "slot-1"), seen},
			{fenced("cron", 1, "slot-2"), `409 {"outcome":"stale","term":2}`},
		}},
		{"fenced: staleness is judged before the key", []step{
			{fenced("cron", 2, "slot-1"), accepted}, {fenced("cron", 1, "slot-1"), `409 {"outcome":"stale","term":2}`},
		}},
		{"fenced: a stale effect does not use up its key", []step{
			{fenced("cron", 2, "slot-1"), accepted}, {fenced("cron", 1, "slot-2"), `409 {"outcome":"stale","term":2}`},
			{fenced("cron", 2, "slot-2"), accepted},
		}},
		{"fenced: leaderships do not know each other's terms and keys", []step{
			{fenced("cron", 9, "slot-1"), accepted}, {fenced("billing", 1, "slot-1"), accepted}, {fenced("cron", 9, "slot-1"), seen},
		}},
		{"once and fenced do not share keys", []step{
			{fenced("cron", 1, "k"), accepted}, {once("s", "k"), accepted}, {once("s", "k"), seen},
		}},
		{"a space of keys does not end where another begins", []step{
			{fenced("a", 1, "bc"), accepted}, {fenced("ab", 1, "c"), accepted}, {once("s", "abc"), accepted},
		}},
		{"record: always accepted, and no key is used up", []step{
			{record, accepted}, {record, accepted}, {once("s", "k"), accepted}, {record, accepted},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			for i, s := range c.steps {
				status, body := w.send("replica-1", typeJSON, text(s.effect))
				require.Equal(t, s.want, fmt.Sprint(status, " ", body), "step %d", i+1)
			}
			events := w.events()
			require.Len(t, events, len(c.steps))
			for i, e := range events {
				require.Equal(t, c.steps[i].effect.Key, e.Key)
				detail, err := history.DecodeEffect(&e)
				require.NoError(t, err)
				require.Contains(t, c.steps[i].want, string(detail.Outcome))
			}
		})
	}
}

func TestADecisionIsOneEvent(t *testing.T) {
	w := newWorld(t)
	w.send("replica-2", typeJSON, `{"subject":"slot","key":"k","kind":"fenced","leadership":"cron","term":8,"attempt":3}`)
	w.send("replica-1", typeJSON, `{"subject":"slot","key":"k2","kind":"fenced","leadership":"cron","term":7}`)
	w.send("replica-1", typeJSON, `{"subject":"job","key":"k","kind":"once"}`)
	w.send("replica-1", typeJSON, `{"subject":"another","key":"k","kind":"once"}`)
	w.send("replica-1", typeJSON, `{"subject":"job"}`)

	want := []history.Event{
		{Phase: history.OK, Key: "k", Detail: history.EffectDetail(history.Effect{
			Replica: "replica-2", Subject: "slot", Kind: "fenced", Leadership: "cron", Term: 8, Attempt: 3, Outcome: history.Accepted})},
		{Phase: history.Fail, Key: "k2", Err: "term 7, the highest seen is 8", Detail: history.EffectDetail(history.Effect{
			Replica: "replica-1", Subject: "slot", Kind: "fenced", Leadership: "cron", Term: 7, Outcome: history.Stale})},
		{Phase: history.OK, Key: "k", Detail: history.EffectDetail(history.Effect{
			Replica: "replica-1", Subject: "job", Kind: "once", Outcome: history.Accepted})},
		{Phase: history.OK, Key: "k", Err: collision, Detail: history.EffectDetail(history.Effect{
			Replica: "replica-1", Subject: "another", Kind: "once", Outcome: history.Seen})},
	}
	events := w.events()
	require.Len(t, events, len(want))
	for i, e := range events {
		require.Positive(t, e.At)
		want[i].Seq, want[i].At, want[i].Actor, want[i].Op = e.Seq, e.At, "witness", history.OpEffect
		require.Equal(t, want[i], e)
	}
}

func TestLinesAreAnsweredOneByOne(t *testing.T) {
	w := newWorld(t)
	status, body := w.send("replica-1", "application/x-ndjson; charset=utf-8", strings.Join([]string{
		`{"subject":"a","key":"a","kind":"once"}`,
		`{"subject":"a","key":"a","kind":"once"}`,
		``,
		`{"subject":"b","key":"b","kind":"fenced","leadership":"cron","term":2}`,
		"{\"subject\":\"b\",\"key\":\"b\",\"kind\":\"fenced\",\"leadership\":\"cron\",\"term\":1}\r",
		`{"subject":"c","key":"c","kind":"once"} {}`,
		`{"subject":"` + strings.Repeat("x", maxEffect) + `"}`,
		`{"subject":"d","key":"d","kind":"record"}`,
	}, "\n"))
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, []string{
		`{"status":200,"outcome":"accepted"}`,
		`{"status":208,"outcome":"seen"}`,
		`{"status":400,"error":"it is empty: an effect is a JSON object"}`,
		`{"status":200,"outcome":"accepted"}`,
		`{"status":409,"outcome":"stale","term":2}`,
		`{"status":400,"error":"something follows the effect; to send several, one a line, use Content-Type application/x-ndjson"}`,
		`{"status":400,"error":"an effect has at most 65536 bytes, this one has 65550"}`,
		`{"status":200,"outcome":"accepted"}`,
	}, strings.Split(body, "\n"))
	require.Len(t, w.events(), 5)
}

func TestWhatIsNoEffectIsRefusedWithAReason(t *testing.T) {
	w := newWorld(t)
	const good = `{"subject":"s","key":"k","kind":"once"}`
	for _, c := range []struct {
		name, media, body string
		status            int
		says              string
	}{
		{"nothing", typeJSON, ``, 400, "it is empty"},
		{"no lines", typeLines, ``, 400, "there are no lines"},
		{"no JSON", typeJSON, `subject=s`, 400, "not an effect: invalid character"},
		{"half an object", typeJSON, good[:20], 400, "not an effect: unexpected EOF"},
		{"an array", typeJSON, `[` + good + `]`, 400, "cannot unmarshal array"},
		{"null", typeJSON, `null`, 400, "subject is missing"},
		{"two objects", typeJSON, good + "\n" + good, 400, "application/x-ndjson"},
		{"an unknown field", typeJSON, `{"subject":"s","key":"k","kind":"once","id":1}`, 400, `unknown field \"id\"`},
		{"no subject", typeJSON, `{"key":"k","kind":"once"}`, 400, "subject is missing"},
		{"no key", typeJSON, `{"subject":"s","kind":"once"}`, 400, "key is missing"},
		{"an empty key", typeJSON, `{"subject":"s","key":"","kind":"once"}`, 400, "key is missing"},
		{"no kind", typeJSON, `{"subject":"s","key":"k"}`, 400, "kind is missing"},
		{"an unknown kind", typeJSON, `{"subject":"s","key":"k","kind":"twice"}`, 400, `kind \"twice\" is none of`},
		{"fenced by nothing", typeJSON, `{"subject":"s","key":"k","kind":"fenced","term":1}`, 400, "leadership is missing"},
		{"a negative term", typeJSON, `{"subject":"s","key":"k","kind":"once","term":-1}`, 400, "term"},
		{"a negative attempt", typeJSON, `{"subject":"s","key":"k","kind":"once","attempt":-1}`, 400, "attempt is -1"},
		{"a key of another type", typeJSON, `{"subject":"s","key":7,"kind":"once"}`, 400, "key"},
		{"a key that is no text", typeJSON, "{\"subject\":\"s\",\"key\":\"\xff\",\"kind\":\"once\"}", 400, "key is not UTF-8"},
		{"a key that is half a character", typeJSON, `{"subject":"s","key":"\ud800","kind":"once"}`, 400, "key is not UTF-8"},
		{"a long key", typeJSON, `{"subject":"s","key":"` + strings.Repeat("k", maxString+1) + `","kind":"once"}`, 400, "key has 1025 bytes"},
		{"a large body", typeJSON, strings.Repeat(" ", maxEffect) + good, 413, "at most 65536 bytes of one effect"},
		{"a large batch", typeLines, strings.Repeat(good+"\n", maxBatch/len(good)), 413, "at most 4194304 bytes of lines"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := w.send("replica-1", c.media, c.body)
			require.Equal(t, c.status, status, body)
			require.Contains(t, body, `{"error":"`)
			require.Contains(t, body, c.says)
		})
	}
	require.Empty(t, w.events())
}

func TestOnlyAKnownTokenIsHeard(t *testing.T) {
	w := newWorld(t)
	token := w.Token("replica-1")
	require.Equal(t, token, w.Token("replica-1"), "a replica keeps its token")
	require.NotEqual(t, token, w.Token("replica-2"))
	require.GreaterOrEqual(t, len(token), 26, "128 bits")
	for _, authorization := range []string{
		"", "Bearer", "Bearer ", "Bearer nonsense", "Bearer replica-1", token,
		"Basic " + token, "Bearer " + token[1:], "Bearer " + token + " extra",
	} {
		require.Equal(t, http.StatusUnauthorized, postWith(w, authorization), authorization)
	}
	require.Equal(t, http.StatusOK, postWith(w, "Bearer "+token))
	require.Equal(t, http.StatusAlreadyReported, postWith(w, "bearer  "+token), "schemes have no case")
	require.Len(t, w.events(), 2)
}

func postWith(w *world, authorization string) int {
	r, err := http.NewRequest(http.MethodPost, "http://"+w.Addr()+"/v1/effects", strings.NewReader(`{"subject":"s","key":"k","kind":"once"}`))
	require.NoError(w.t, err)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	status, _ := w.do(r)
	return status
}

func TestNothingIsClaimedThatTheHistoryDidNotTake(t *testing.T) {
	w := newWorld(t)
	require.Equal(t, `200 {"status":"ok"}`, get(w, "/healthz"))
	require.NoError(t, w.log.Close()) // as good as a full disk
	for _, media := range []string{typeJSON, typeLines} {
		status, body := w.send("replica-1", media, `{"subject":"s","key":"k","kind":"once"}`)
		require.Equal(t, http.StatusInternalServerError, status)
		require.Contains(t, body, `{"error":"the history cannot be written`)
	}
	require.Contains(t, get(w, "/healthz"), "503 ")
}

func get(w *world, path string) string {
	r, err := http.NewRequest(http.MethodGet, "http://"+w.Addr()+path, nil)
	require.NoError(w.t, err)
	status, body := w.do(r)
	return fmt.Sprint(status, " ", body)
}

func TestOtherPathsAndMethodsAreNotServed(t *testing.T) {
	w := newWorld(t)
	require.Contains(t, get(w, "/v1/effects"), "405 ")
	require.Contains(t, get(w, "/"), "404 ")
}

func TestAWitnessNeedsALog(t *testing.T) {
	_, err := Start(t.Context(), Config{})
	require.ErrorContains(t, err, "no log")
}

func TestCloseBreaksOffWhoeverStillHoldsOn(t *testing.T) {
	limits := defaultTimeouts()
	limits.grace = 50 * time.Millisecond
	w := newWorldWith(t, limits)
	w.send("replica-1", typeJSON, `{"subject":"s","key":"k","kind":"once"}`) // leaves an idle connection
	var held []net.Conn
	for _, said := range []string{"", "POST /v1/effects HTTP/1.1\r\n", "POST /v1/effects HTTP/1.1\r\nHost: w\r\nAuthorization: Bearer " +
		w.Token("replica-1") + "\r\nContent-Length: 100\r\n\r\n{\"subject\":"} {
		held = append(held, dial(t, w, said))
	}
	closed, cancel := context.WithCancel(context.Background())
	cancel()
	require.NoError(t, w.Close(closed), "even without any time left")
	require.NoError(t, w.Close(context.Background()), "closing twice is harmless")
	for _, conn := range held {
		requireBrokenOff(t, conn)
	}
	_, err := net.Dial("tcp", w.Addr())
	require.Error(t, err)
	_, err = w.ledger.enter("replica-1", &effect{Subject: "late", Key: "late", Kind: "once"})
	require.ErrorIs(t, err, errClosed, "a request that was still being read")
	require.Len(t, w.events(), 1)
}

func TestSlowSendersAreCutOff(t *testing.T) {
	limits := defaultTimeouts()
	limits.header, limits.request, limits.idle = 50*time.Millisecond, 100*time.Millisecond, 50*time.Millisecond
	w := newWorldWith(t, limits)
	for name, said := range map[string]string{
		"says nothing":             "",
		"never ends its headers":   "POST /v1/effects HTTP/1.1\r\nHost: w\r\n",
		"never sends all its body": "POST /v1/effects HTTP/1.1\r\nHost: w\r\nAuthorization: Bearer " + w.Token("r") + "\r\nContent-Length: 100\r\n\r\n{",
		"stays on after an answer": "GET /healthz HTTP/1.1\r\nHost: w\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) { requireBrokenOff(t, dial(t, w, said)) })
	}
	require.Empty(t, w.events())
}

func dial(t *testing.T, w *world, said string) net.Conn {
	conn, err := net.Dial("tcp", w.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	_, err = io.WriteString(conn, said)
	require.NoError(t, err)
	return conn
}

// requireBrokenOff reads until the other side hangs up.
func requireBrokenOff(t *testing.T, conn net.Conn) {
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	var got bytes.Buffer
	_, err := got.ReadFrom(conn)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "still connected after %q", got.String())
}
