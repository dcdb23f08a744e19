package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
)

// Healer ends and removes what is left at a place of a substrate, and says what
// it did, line by line.
type Healer func(ctx context.Context, substrate, place string) (done []string, err error)

// Folders are the folders of runs in the one that takes them all.
func Folders(out string) ([]Folder, error) {
	entries, err := os.ReadDir(out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var folders []Folder
	for _, e := range entries {
		if !e.IsDir() {
			continue // a link may lead anywhere: what it leads to is healed where it lies
		}
		if f := Folder(filepath.Join(out, e.Name())); f.Known() == nil {
			folders = append(folders, f)
		}
	}
	return folders, nil
}

// Heal has everything undone that a run left behind when its harness died, and
// says what was done, line by line. Where nothing is left it says nothing; that
// the harness lives is [engine.ErrAlive].
func (f Folder) Heal(ctx context.Context, heal Healer) (done []string, err error) {
	journal, left, err := engine.ReopenJournal(f.File(JournalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, f.Known() // it ended before anything began
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, journal.Close()) }()
	if left.Substrate == "" {
		return nil, nil
	}
	if done, err = heal(ctx, left.Substrate, left.Place); err != nil {
		return done, err
	}
	// Faults are in processes, links and the harness itself: what is not gone with
	// the harness was ended just now, or put back as it was.
	for _, e := range left.Faults {
		if err := journal.Healed(e.Fault); err != nil {
			return done, err
		}
		done = append(done, printable(fmt.Sprintf("%s (%s): nothing is left to undo", e.Fault, undoing(*e.Undo))))
	}
	if err := journal.Closed(); err != nil {
		return done, err
	}
	return append(done, printable("nothing of it is left on "+left.Substrate)), nil
}

// Known is an error where the folder is none of a run.
func (f Folder) Known() error {
	if _, err := os.Stat(f.File(ScenarioFile)); err != nil {
		return f.unreadable(err)
	}
	return nil
}

// printable quotes what a terminal would obey: a journal may come from elsewhere.
func printable(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// undoing is an undo in words: "resume replica-2".
func undoing(u drills.Undo) string {
	what := u.Victims
	if len(u.Links) > 0 {
		what = u.Links
	}
	return string(u.Action) + " " + strings.Join(what, ", ")
}
