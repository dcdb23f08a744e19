package prober

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"time"
)

// Peer carries out orders: a [Prober] of this process, or a [Client] that hands
// them to one elsewhere. So both ends of a link are held by the same code.
type Peer interface {
	// Do carries out one order. What becomes of a connection is in the report;
	// an error says that the order itself could not be given or understood.
	Do(ctx context.Context, o Order) (Report, error)
}

// Verb says what is to be done.
type Verb string

// The verbs, with what they take of an [Order].
const (
	Dial    Verb = "dial"    // a connection to Addr, within Within
	Accept  Verb = "accept"  // the next connection to the data port, within Within
	Send    Verb = "send"    // Data on Conn
	Receive Verb = "receive" // Size bytes from Conn, within Within
	HangUp  Verb = "hang up" // Conn
	Ask     Verb = "ask"     // the store at the URL Addr for Statement, within Within
	Knock   Verb = "knock"   // at Addr from now on: a fresh connection every Within, with one byte
	About   Verb = "about"   // what the process finds around itself
	Print   Verb = "print"   // Statement, as one line of standard output
	Burn    Verb = "burn"    // Size cores for Within, without waiting for it
	Eat     Verb = "eat"     // Size bytes of memory more, and keep them
	Deafen  Verb = "deafen"  // the process to SIGTERM
	Exit    Verb = "exit"    // with status Size; the answer may not arrive
)

// Order is one thing to do.
type Order struct {
	Verb      Verb
	Addr      string        `json:",omitempty"`
	Conn      int           `json:",omitempty"`
	Data      []byte        `json:",omitempty"`
	Size      int           `json:",omitempty"`
	Within    time.Duration `json:",omitempty"`
	Statement []string      `json:",omitempty"` // SQL and its arguments, or a command of Redis
}

// Report is what became of an order.
type Report struct {
	Conn    int           `json:",omitempty"` // the connection it was about
	Data    []byte        `json:",omitempty"` // what was received
	Took    time.Duration // on the clock of the prober
	End     End           `json:",omitempty"`
	Detail  string        `json:",omitempty"` // the error behind the End
	Answer  string        `json:",omitempty"` // of a store
	Environ []string      `json:",omitempty"`
}

// End is how a connection fared.
type End string

// The ends of a connection, or of the attempt to open one.
const (
	Fine    End = ""        // it goes on, and what was asked for has happened
	Silent  End = "silent"  // it goes on, but nothing, or too little, happened in time
	Closed  End = "closed"  // the other side has closed it: a FIN
	Reset   End = "reset"   // it was aborted: a RST
	Refused End = "refused" // nobody listens
	Broken  End = "broken"  // anything else: see Detail
)

func endOf(err error) (End, string) {
	switch {
	case err == nil:
		return Fine, ""
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return Silent, err.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Closed, err.Error()
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Reset, err.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused, err.Error()
	}
	return Broken, err.Error()
}
