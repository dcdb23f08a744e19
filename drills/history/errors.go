package history

import "errors"

// What can be wrong with a history. The reader wraps them with the file, the
// line and the reason; no verdict is drawn from a history that yields one.
var (
	// ErrUnsealed says that the history ends without a seal: its writer was
	// killed, or its last part is missing.
	ErrUnsealed = errors.New("history is not sealed")
	// ErrEdited says that the history is not what its writer wrote: count or
	// digest differ from the seal, a seq is missing, or time goes backwards.
	ErrEdited = errors.New("history was edited")
	// ErrMalformed says that a line is not an event, or not JSON at all.
	ErrMalformed = errors.New("malformed history")
	// ErrSchema says that the history was written by another version of
	// drillrun, in a schema that this one does not know.
	ErrSchema = errors.New("unknown history schema")
	// ErrClosed is the log's error once an event came after Seal or Close.
	ErrClosed = errors.New("history is closed")
)
