package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/drillrun/drillrun/drills"
)

// Journal is the undo journal of a run: one JSON line for each fault before it
// is injected, and one when it is recovered, each on disk before the call
// returns. What stands in it without a "recovered" is what another process
// would have to undo.
type Journal struct {
	file *os.File
}

// JournalEntry is one line of the journal.
type JournalEntry struct {
	Fault string       `json:"fault"` // fault/1
	State string       `json:"state"` // planned | recovered
	Undo  *drills.Undo `json:"undo,omitempty"`
}

// CreateJournal creates the journal's file, which must not exist.
func CreateJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create undo journal: %w", err)
	}
	return &Journal{file: f}, nil
}

// Planned records how to undo a fault.
func (j *Journal) Planned(fault string, undo drills.Undo) error {
	return j.write(JournalEntry{Fault: fault, State: "planned", Undo: &undo})
}

// Recovered records that a fault has been undone.
func (j *Journal) Recovered(fault string) error {
	return j.write(JournalEntry{Fault: fault, State: "recovered"})
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }

func (j *Journal) write(e JournalEntry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode undo of %s: %w", e.Fault, err)
	}
	_, err = j.file.Write(append(line, '\n'))
	if err = errors.Join(err, j.file.Sync()); err != nil {
		return fmt.Errorf("write undo of %s: %w", e.Fault, err)
	}
	return nil
}
