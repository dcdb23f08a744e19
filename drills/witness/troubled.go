package witness

import (
	"errors"
	"net"

	"github.com/drillrun/drillrun/drills/history"
)

// troubledListener has the history tell when a connection could not be taken, for
// want of file descriptors perhaps: what a system then did not report is not lost.
type troubledListener struct {
	net.Listener
	ledger *ledger
	tally  history.Tally
}

// Accept takes the next connection.
func (l *troubledListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		l.tell(err)
	}
	return conn, err
}

func (l *troubledListener) tell(err error) {
	const what = "accept a connection"
	count, tell := l.tally.Add(what)
	if !tell {
		return
	}
	l.ledger.remark(history.Event{
		Actor: l.ledger.actor, Op: history.OpTrouble, Phase: history.Info, Err: err.Error(),
		Detail: history.Detail(history.Trouble{What: what, Count: count}),
	})
}
