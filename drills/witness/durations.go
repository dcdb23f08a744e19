package witness

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// The limits of what a replica has measured.
const (
	maxDurations = 256 << 10 // bytes
	maxTook      = 10_000
	longestTook  = time.Hour
)

// durations are some that a replica has measured.
type durations struct {
	What    string          `json:"what"`
	Subject string          `json:"subject"`
	Took    []time.Duration `json:"took"`
}

// decodeDurations reads them. Its errors are for the sender to read.
func decodeDurations(text []byte) (durations, error) {
	var d durations
	switch err := decodeStrict(text, &d); {
	case errors.Is(err, io.EOF):
		return d, errors.New("it is empty: durations are a JSON object")
	case err != nil:
		return d, fmt.Errorf("not durations: %w", err)
	}
	return d, d.check()
}

func (d *durations) check() error {
	switch d.What {
	case history.TookRefused, history.TookCall:
	default:
		return fmt.Errorf("what is %q, and none of %q, %q", d.What, history.TookRefused, history.TookCall)
	}
	if err := checkString("subject", d.Subject, true); err != nil {
		return err
	}
	if n := len(d.Took); n < 1 || n > maxTook {
		return fmt.Errorf("took has %d values, from 1 to %d are allowed", n, maxTook)
	}
	for i, took := range d.Took {
		if took < 0 || took > longestTook {
			return fmt.Errorf("value %d of took is %v, from 0 to %v are allowed", i+1, took, longestTook)
		}
	}
	return nil
}

// durations records what a replica has measured.
func (e *endpoint) durations(rw http.ResponseWriter, r *http.Request) {
	replica, known := e.authorize(rw, r)
	if !known {
		return
	}
	body, whole := readBody(rw, r, maxDurations, "durations")
	if !whole {
		return
	}
	measured, err := decodeDurations(body)
	if err != nil {
		reply(rw, http.StatusBadRequest, answer{Error: err.Error()})
		return
	}
	if err := e.ledger.note(replica, &measured); err != nil {
		status, a := told(decision{}, err)
		reply(rw, status, a)
		return
	}
	rw.WriteHeader(http.StatusNoContent)
}

// note records what a replica has measured. It decides nothing.
func (l *ledger) note(replica string, d *durations) error {
	detail := history.Detail(history.Durations{Replica: replica, What: d.What, Subject: d.Subject, Took: d.Took})
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errClosed
	}
	if l.log.Append(history.Event{Actor: l.actor, Op: history.OpTook, Phase: history.Info, Detail: detail}) == 0 {
		return errNoRecord
	}
	return nil
}
