package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/internal/input"
)

// The files of a run folder.
const (
	HistoryFile  = "history.jsonl"
	ScenarioFile = "scenario.txtar"
	RunFile      = "run.json"
	ResultsFile  = "results.json"
	JournalFile  = "undo.jsonl"
	LogsFolder   = "logs"
)

// Folder is what a drill leaves behind.
type Folder string

// File returns the path of one of its files.
func (f Folder) File(name string) string { return filepath.Join(string(f), name) }

// createFolder makes the folder of a new run: <utc>-<scenario>-<seed>. A
// second run of the same second gets a number.
func createFolder(out, scenario string, seed uint64) (Folder, error) {
	if err := makeAll(out); err != nil {
		return "", fmt.Errorf("create the folder for runs: %w", err)
	}
	base := filepath.Join(out, fmt.Sprintf("%s-%s-%d", time.Now().UTC().Format("20060102T150405Z"), scenario, seed))
	name := base
	for n := 2; ; n++ {
		err := os.Mkdir(name, 0o700)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("create the run folder: %w", err)
		}
		name = fmt.Sprintf("%s-%d", base, n)
	}
	f := Folder(name)
	if err := os.Mkdir(f.File(LogsFolder), 0o700); err != nil {
		return "", fmt.Errorf("create the folder for logs: %w", err)
	}
	return f, nil
}

// RunInfo is run.json: what was run, written before anything starts.
type RunInfo struct {
	Schema    int               `json:"schema"`
	Started   time.Time         `json:"started"`
	Scenario  string            `json:"scenario"`
	Digest    string            `json:"digest"`
	System    string            `json:"system"`
	Substrate string            `json:"substrate"`
	Replicas  int               `json:"replicas"`
	Seed      uint64            `json:"seed"`
	Trial     int               `json:"trial,omitempty"`
	Versions  map[string]string `json:"versions"`
	Arguments []string          `json:"arguments,omitempty"` // of the command that runs it again, beside the scenario
}

// Info reads run.json.
func (f Folder) Info() (info RunInfo, err error) {
	text, err := input.Read(f.File(RunFile), input.MaxScenario)
	if err != nil {
		return info, err
	}
	if err := json.Unmarshal(text, &info); err != nil {
		return info, fmt.Errorf("read %s: %w", f.File(RunFile), err)
	}
	return info, nil
}

// Scenario reads the script that was run.
func (f Folder) Scenario() ([]byte, error) {
	return input.Read(f.File(ScenarioFile), input.MaxScenario)
}

// unreadable says why a folder cannot be judged: it may be one of a run that
// somebody else made.
func (f Folder) unreadable(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("permission denied: this user may not read %s: %w", f, err)
	}
	return fmt.Errorf("%s is not the folder of a run: %w", f, err)
}

// infoOf is what run.json says of a history with that header.
func infoOf(h history.Header) RunInfo {
	return RunInfo{
		Schema: h.Schema, Started: h.Started, Scenario: h.Scenario, Digest: h.Digest,
		System: h.Drilled(), Substrate: h.Substrate, Replicas: h.Replicas,
		Seed: h.Seed, Trial: h.Trial, Versions: h.Versions,
	}
}

func (f Folder) writeInputs(h history.Header, source []byte, arguments []string) error {
	if err := os.WriteFile(f.File(ScenarioFile), source, 0o600); err != nil {
		return fmt.Errorf("keep the scenario: %w", err)
	}
	return f.write(RunFile, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		info := infoOf(h)
		info.Arguments = arguments
		return e.Encode(info)
	})
}

// write makes one of the folder's files.
func (f Folder) write(name string, fill func(io.Writer) error) error {
	file, err := os.OpenFile(f.File(name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := errors.Join(fill(file), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
