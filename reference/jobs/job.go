package jobs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var (
	// ErrInvalid says that a submission is malformed. Nothing was written.
	ErrInvalid = errors.New("invalid submission")
	// ErrConflict says that the key belongs to a job with other contents.
	ErrConflict = errors.New("key already used for a different job")
	// ErrNotFound says that there is no such job.
	ErrNotFound = errors.New("no such job")
	// ErrNotWritten says that Postgres could not be asked, or refused. Nothing
	// was written.
	ErrNotWritten = errors.New("nothing was written")
)

// The limits of a submission, in bytes.
const (
	MaxKey     = 512
	MaxKind    = 64
	MaxSubject = 1024
	MaxPayload = 64 << 10
)

// State is where a job stands.
type State string

// The states of a job. Done and Dead are final.
const (
	Queued  State = "queued"
	Running State = "running"
	Done    State = "done"
	Dead    State = "dead"
)

// States are all states of a job.
func States() []State { return []State{Queued, Running, Done, Dead} }

// Terminal says whether a job in this state will never run again.
func (s State) Terminal() bool { return s == Done || s == Dead }

// Job is a job as its readers see it.
type Job struct {
	ID        int64           `json:"id"`
	Key       string          `json:"key"`
	Kind      string          `json:"kind"`
	Subject   string          `json:"subject"`
	Payload   json.RawMessage `json:"payload"`
	State     State           `json:"state"`
	Attempt   int             `json:"attempt"`  // executions begun
	Failures  int             `json:"failures"` // executions that failed by the job's own fault
	Owner     string          `json:"owner,omitempty"`
	Error     string          `json:"error,omitempty"` // of the last failure
	CreatedAt time.Time       `json:"created_at"`
}

// Submission is what a client asks for.
type Submission struct {
	Key     string          `json:"key"`     // idempotency key, required
	Kind    string          `json:"kind"`    // DefaultKind where empty
	Subject string          `json:"subject"` // of the job's effect; "job/<key>" where empty
	Payload json.RawMessage `json:"payload"` // any JSON; null where absent
}

// Normalize fills in the defaults and returns ErrInvalid with the reason where
// the submission cannot be taken.
func (s Submission) Normalize() (Submission, error) {
	if s.Kind == "" {
		s.Kind = DefaultKind
	}
	if s.Subject == "" {
		s.Subject = "job/" + s.Key
	}
	if len(bytes.TrimSpace(s.Payload)) == 0 {
		s.Payload = json.RawMessage("null")
	}
	switch {
	case s.Key == "":
		return s, fmt.Errorf("%w: key is missing", ErrInvalid)
	case len(s.Payload) > MaxPayload:
		return s, fmt.Errorf("%w: payload has %d bytes, at most %d are allowed", ErrInvalid, len(s.Payload), MaxPayload)
	case !json.Valid(s.Payload):
		return s, fmt.Errorf("%w: payload is not JSON", ErrInvalid)
	}
	return s, errors.Join(
		plain("key", s.Key, MaxKey), plain("kind", s.Kind, MaxKind), plain("subject", s.Subject, MaxSubject))
}

// plain refuses what a log, a header or Postgres could not carry.
func plain(name, value string, limit int) error {
	switch {
	case len(value) > limit:
		return fmt.Errorf("%w: %s has %d bytes, at most %d are allowed", ErrInvalid, name, len(value), limit)
	case !utf8.ValidString(value):
		return fmt.Errorf("%w: %s is not UTF-8", ErrInvalid, name)
	case strings.ContainsFunc(value, unicode.IsControl):
		return fmt.Errorf("%w: %s contains control characters", ErrInvalid, name)
	}
	return nil
}
