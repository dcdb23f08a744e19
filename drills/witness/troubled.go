package witness

import (
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/drillrun/drillrun/drills/history"
)

// troubledListener has the history tell when a connection could not be taken, for
// want of file descriptors perhaps: what a system then did not report is not lost.
type troubledListener struct {
	net.Listener
	ledger *ledger
}

// Accept takes the next connection.
func (l *troubledListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		l.ledger.trouble("accept a connection", err)
	}
	return conn, err
}

// trouble records what the witness failed to do: the first of a kind, and then each
// that has doubled their number.
func (l *ledger) trouble(what string, err error) {
	count, tell := l.troubles.Add(what)
	if !tell {
		return
	}
	l.remark(history.Event{
		Actor: l.actor, Op: history.OpTrouble, Phase: history.Info, Err: err.Error(),
		Detail: history.Detail(history.Trouble{What: what, Count: count}),
	})
}

// recordCrashes has the history tell that a request was not answered because the
// witness itself failed.
func (e *endpoint) recordCrashes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer func() {
			crash := recover()
			if crash == nil {
				return
			}
			if err, is := crash.(error); !is || !errors.Is(err, http.ErrAbortHandler) {
				e.ledger.trouble("answer a request", fmt.Errorf("it panicked: %v", crash))
			}
			panic(http.ErrAbortHandler) // which breaks the connection off, and says nothing
		}()
		next.ServeHTTP(rw, r)
	})
}
