package witness

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/drillrun/drillrun/drills/history"
)

// whyLimit bounds what is recorded of the reason for a refusal, in bytes.
const whyLimit = 200

// recordRefusals has the history tell which requests were not taken: a sender that
// nobody knows, a form that nobody can read. A system whose effects are all refused
// has not lost its jobs. A stale effect is recorded as one, and what a backend that
// is bad on purpose refuses is recorded as a call. What did not arrive whole is the doing
// of a link, perhaps of a fault in it.
func (e *endpoint) recordRefusals(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		seen := &statusWriter{ResponseWriter: rw}
		next.ServeHTTP(seen, r)
		if seen.refused() {
			replica, _ := e.tokens.replica(r.Header.Get("Authorization"))
			e.refused(replica, seen.status, r.Method+" "+r.URL.Path+": "+seen.why())
		}
	})
}

// refused writes down that something of that replica was not taken.
func (e *endpoint) refused(replica string, status int, why string) {
	why = strings.ToValidUTF8(why[:min(len(why), whyLimit)], "")
	count, tell := e.refusals.Add(replica + " " + strconv.Itoa(status) + " " + why)
	if !tell {
		return
	}
	e.ledger.remark(history.Event{
		Actor: e.ledger.actor, Op: history.OpRefused, Phase: history.Info,
		Detail: history.Detail(history.Refused{Replica: replica, Status: status, Why: why, Count: count}),
	})
}

// statusWriter remembers what was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
	body   []byte // its begin
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(text []byte) (int, error) {
	if room := 2*whyLimit - len(w.body); w.status >= 400 && room > 0 {
		w.body = append(w.body, text[:min(room, len(text))]...)
	}
	return w.ResponseWriter.Write(text)
}

// refused says whether the sender, or what it sent, was not taken.
func (w *statusWriter) refused() bool {
	return w.status >= 400 && w.status < 500 && w.status != http.StatusConflict && w.status != http.StatusRequestTimeout
}

// Unwrap is for [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// why is the error that was answered, in one line.
func (w *statusWriter) why() string {
	var a answer
	if json.Unmarshal(w.body, &a) == nil && a.Error != "" {
		return a.Error
	}
	return strings.TrimSpace(string(w.body))
}
