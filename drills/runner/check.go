package runner

import (
	"context"
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

// Check judges a run folder from its files alone. A history that is not there or
// cannot be believed gives unknown results with the reason; the error is kept for
// folders that are no runs or cannot be read, for scenarios that cannot be read any
// more, and for the end of ctx, whose cause it then is.
func (j Judge) Check(ctx context.Context, folder Folder, repeat string) (reports.Results, error) {
	source, err := folder.Scenario()
	if err != nil {
		return reports.Results{}, folder.unreadable(err)
	}
	compiled, err := j.Gates(folder.File(ScenarioFile), source)
	if err != nil {
		return reports.Results{}, err
	}
	record, header, signer, err := j.open(folder, source)
	if errors.Is(err, fs.ErrPermission) {
		return reports.Results{}, folder.unreadable(err)
	}
	if err != nil {
		results := reports.Build(nothing{header}, gates.Broken(compiled, err.Error()), reports.Place{Run: string(folder), Repeat: repeat})
		results.Remarks = j.remarks(header, source)
		return results, nil
	}
	heeded := heedful{record, ctx}
	results := reports.Build(heeded, gates.Judge(heeded, compiled, j.Metrics), reports.Place{Run: string(folder), Repeat: repeat})
	results.SignedBy, results.Remarks, results.Seal = signer, j.remarks(header, source), record.Seal()
	if ctx.Err() != nil {
		return reports.Results{}, context.Cause(ctx)
	}
	return results, nil
}

// Keep writes the results into the folder.
func (f Folder) Keep(r reports.Results) error {
	return f.write(ResultsFile, func(w io.Writer) error { return reports.WriteResults(w, r) })
}

// open opens the history and says who has signed it, where somebody must have. With
// an error nothing in it can be believed; the header is what is known all the same.
func (j Judge) open(folder Folder, source []byte) (h *history.History, header history.Header, signer string, err error) {
	h, err = openHistory(folder.File(HistoryFile))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("no %s in %s", HistoryFile, folder)
		}
		return nil, folder.header(), "", err
	}
	header = h.Header()
	if drills.Digest(source) != header.Digest {
		return nil, header, "", fmt.Errorf("%s is not the scenario that was run: its digest differs", ScenarioFile)
	}
	if why := folder.disagrees(header); why != "" {
		return nil, header, "", errors.New(why)
	}
	if len(j.Keys) > 0 {
		if signer, err = folder.verify(j.Keys); err != nil {
			return nil, header, "", err
		}
	}
	return h, header, signer, nil
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

// header is what was drilled, where the history does not say so: what was written
// down before it began.
func (f Folder) header() history.Header {
	info, err := f.Info()
	if err != nil {
		return history.Header{Scenario: string(f)}
	}
	return history.Header{
		Started: info.Started, Scenario: info.Scenario, Digest: info.Digest, System: info.System, Substrate: info.Substrate,
		Replicas: info.Replicas, Seed: info.Seed, Trial: info.Trial, Versions: info.Versions,
	}
}

// nothing is the record of a drill of which no event can be read.
type nothing struct{ header history.Header }

func (n nothing) Header() history.Header { return n.header }

func (n nothing) Events() iter.Seq2[history.Event, error] {
	return func(func(history.Event, error) bool) {}
}

// heedful is a record that is read no further once ctx has ended.
type heedful struct {
	gates.Source
	ctx context.Context
}

func (h heedful) Events() iter.Seq2[history.Event, error] {
	return func(yield func(history.Event, error) bool) {
		for e, err := range h.Source.Events() {
			if e.Seq%1024 == 0 && err == nil && h.ctx.Err() != nil {
				err = context.Cause(h.ctx)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}
