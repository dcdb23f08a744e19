package runner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/internal/input"
	"github.com/drillrun/drillrun/reports"
)

// Judge is what a run folder is judged by.
type Judge struct {
	// Gates compiles the gates of a scenario's source.
	Gates   func(file string, source []byte) ([]gates.Gate, error)
	Metrics []gates.Metric // measured even where no gate asks
	Version string         // of the drillrun that judges; empty if nobody is to be told
	// Builtin returns the script of the built-in scenario of a name, if there is one.
	Builtin func(name string) (source []byte, known bool)
	// Keys are those by one of which a history must have been signed; none where it
	// need not be.
	Keys VerifyKeys
}

// Check judges a run folder from its files alone. A history that cannot be
// believed gives unknown results with the reason; the error is kept for
// folders that are no runs, and for scenarios that cannot be read any more.
func (j Judge) Check(folder Folder, repeat string) (reports.Results, error) {
	source, err := input.Read(folder.File(ScenarioFile), input.MaxScenario)
	if err != nil {
		return reports.Results{}, fmt.Errorf("%s is not the folder of a run: %w", folder, err)
	}
	compiled, err := j.Gates(folder.File(ScenarioFile), source)
	if err != nil {
		return reports.Results{}, err
	}
	record, signer := j.open(folder, source)
	judgement := gates.Judge(record, compiled, j.Metrics)
	results := reports.Build(record, judgement, reports.Place{Run: string(folder), Repeat: repeat})
	results.SignedBy, results.Remarks = signer, j.remarks(record.Header(), source)
	if h, believed := record.(*history.History); believed {
		results.Seal = h.Seal()
	}
	return results, nil
}

// Keep writes the results into the folder.
func (f Folder) Keep(r reports.Results) error {
	return f.write(ResultsFile, func(w io.Writer) error { return reports.WriteResults(w, r) })
}

// open reads the history and says who has signed it, where somebody must have, or
// stands in for one that cannot be believed.
func (j Judge) open(folder Folder, source []byte) (record gates.Source, signer string) {
	h, err := openHistory(folder.File(HistoryFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return unbelievable{err: errors.New("the folder has no history")}, ""
	case err != nil:
		return unbelievable{err: err}, ""
	}
	if drills.Digest(source) != h.Header().Digest {
		return unbelievable{header: h.Header(), err: fmt.Errorf("%s is not the scenario that was run: its digest differs", ScenarioFile)}, ""
	}
	if why := folder.disagrees(h.Header()); why != "" {
		return unbelievable{header: h.Header(), err: errors.New(why)}, ""
	}
	if len(j.Keys) == 0 {
		return h, ""
	}
	signer, err = folder.verify(j.Keys)
	if err != nil {
		return unbelievable{header: h.Header(), err: err}, ""
	}
	return h, signer
}

// openHistory opens a history in a file: anything else there would keep its reader
// waiting, or have no end.
func openHistory(path string) (*history.History, error) {
	file, err := input.Open(path)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	return history.Open(path)
}

// unbelievable is a history from which no verdict can be drawn.
type unbelievable struct {
	header history.Header
	err    error
}

func (u unbelievable) Header() history.Header { return u.header }

func (u unbelievable) Events() iter.Seq2[history.Event, error] {
	return func(yield func(history.Event, error) bool) { yield(history.Event{}, u.err) }
}
