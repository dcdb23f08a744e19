package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/drillrun/drillrun/drills"
)

// ErrAlive says that the harness of a run still lives.
var ErrAlive = errors.New("its harness is alive")

// Journal is the undo journal of a run, each of whose lines is on disk before
// the call that writes it returns. The first says where the system will run;
// then there is one for each fault before it is injected and one when it is
// recovered; the last says that nothing is left at that place. What lacks its
// end is what another process would have to undo.
//
// The living harness holds a lock on the file. The kernel drops it with the
// process, however that ends, and no later process with the same pid can be
// taken for it.
type Journal struct {
	file *os.File
}

// JournalEntry is one line of the journal.
type JournalEntry struct {
	State     State        `json:"state"`
	Substrate string       `json:"substrate,omitempty"` // of opened: its name
	Place     string       `json:"place,omitempty"`     // of opened: where it is found
	Fault     string       `json:"fault,omitempty"`     // fault/1
	Undo      *drills.Undo `json:"undo,omitempty"`
}

// State is what an entry says has become of a fault or of the substrate.
type State string

// The states of entries.
const (
	StateOpened    State = "opened"    // the substrate may hold something from now on
	StatePlanned   State = "planned"   // the fault may be in effect from now on
	StateRecovered State = "recovered" // the drill has undone the fault
	StateHealed    State = "healed"    // another process has seen to it that it is undone
	StateClosed    State = "closed"    // nothing is left on the substrate, and so of any fault
)

// CreateJournal creates the journal's file, which must not exist, and locks it.
func CreateJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create undo journal: %w", err)
	}
	// Somebody who looks for dead runs may hold it for a moment.
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock undo journal: %w", err), f.Close())
	}
	return &Journal{file: f}, nil
}

// Left is what a run has left to be undone.
type Left struct {
	Substrate string // "" where nothing has been opened
	Place     string
	Faults    []JournalEntry // planned and not undone, as they were planned
}

// ReopenJournal locks the journal of a run whose harness is dead and says what
// is left of the run. [ErrAlive] says that it still is somebody's. A file that
// somebody else may have made is [ErrForeign], and stays as it is: a run folder may
// come with a repository or an archive.
func ReopenJournal(path string) (*Journal, Left, error) {
	f, err := openJournal(path)
	if err != nil {
		return nil, Left{}, fmt.Errorf("open undo journal: %w", err)
	}
	left, err := lockAndRead(f)
	if err != nil {
		return nil, Left{}, errors.Join(fmt.Errorf("open undo journal: %w", err), f.Close())
	}
	return &Journal{file: f}, left, nil
}

func lockAndRead(f *os.File) (Left, error) {
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return Left{}, ErrAlive
	} else if err != nil {
		return Left{}, fmt.Errorf("lock it: %w", err)
	}
	text, err := readJournal(f)
	if err != nil {
		return Left{}, err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	left, err := parseLeft(text[:whole])
	if err != nil || whole == len(text) {
		return left, err
	}
	if !begins(text[whole:]) {
		return Left{}, fmt.Errorf("its last line %.100q is none of a journal: %w", text[whole:], ErrForeign)
	}
	// What the harness was writing when it died had not been begun either.
	if err := f.Truncate(int64(whole)); err != nil {
		return Left{}, fmt.Errorf("cut off its unfinished line: %w", err)
	}
	return left, nil
}

func parseLeft(text []byte) (Left, error) {
	var left Left
	for line := range bytes.Lines(text) {
		var e JournalEntry
		if err := json.Unmarshal(line, &e); err != nil {
			return Left{}, fmt.Errorf("line %.200q: %w", line, err)
		}
		switch e.State {
		case StateOpened:
			left.Substrate, left.Place = e.Substrate, e.Place
		case StatePlanned:
			if e.Undo == nil {
				return Left{}, fmt.Errorf("line %.200q: no undo", line)
			}
			left.Faults = append(left.Faults, e)
		case StateRecovered, StateHealed:
			left.drop(e.Fault)
		case StateClosed:
			left = Left{}
		default:
			return Left{}, fmt.Errorf("line %.200q: unknown state", line)
		}
	}
	return left, nil
}

func (l *Left) drop(fault string) {
	for i, e := range l.Faults {
		if e.Fault == fault {
			l.Faults = append(l.Faults[:i], l.Faults[i+1:]...)
			return
		}
	}
}

// Opened records where the system is going to run.
func (j *Journal) Opened(substrate, place string) error {
	return j.write(JournalEntry{State: StateOpened, Substrate: substrate, Place: place})
}

// Planned records how to undo a fault.
func (j *Journal) Planned(fault string, undo drills.Undo) error {
	return j.write(JournalEntry{State: StatePlanned, Fault: fault, Undo: &undo})
}

// Recovered records that the drill has undone a fault.
func (j *Journal) Recovered(fault string) error {
	return j.write(JournalEntry{State: StateRecovered, Fault: fault})
}

// Healed records that another process has seen to it that a fault is undone.
func (j *Journal) Healed(fault string) error {
	return j.write(JournalEntry{State: StateHealed, Fault: fault})
}

// Closed records that nothing of the run is left on its substrate.
func (j *Journal) Closed() error { return j.write(JournalEntry{State: StateClosed}) }

// Close closes the file, which unlocks it.
func (j *Journal) Close() error { return j.file.Close() }

func (j *Journal) write(e JournalEntry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode entry %s %s of the undo journal: %w", e.State, e.Fault, err)
	}
	_, err = j.file.Write(append(line, '\n'))
	if err = errors.Join(err, j.file.Sync()); err != nil {
		return fmt.Errorf("write entry %s %s of the undo journal: %w", e.State, e.Fault, err)
	}
	return nil
}
