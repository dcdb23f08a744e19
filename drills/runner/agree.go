package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/internal/input"
)

// runLimit bounds what is read of run.json.
const runLimit = 1 << 20

// disagrees says in what run.json differs from the history beside it: one of the two
// was changed, or is of another run. It is empty where they agree, and where there is
// no run.json.
func (f Folder) disagrees(h history.Header) string {
	text, err := input.Read(f.File(RunFile), runLimit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ""
	case err != nil:
		return fmt.Sprintf("%s cannot be read: %v", RunFile, err)
	}
	var told RunInfo
	if err := json.Unmarshal(text, &told); err != nil {
		return fmt.Sprintf("%s cannot be read: %v", RunFile, err)
	}
	return told.differs(infoOf(h))
}

// differs names the first thing that two runs have not in common.
func (r RunInfo) differs(recorded RunInfo) string {
	for _, c := range []struct {
		what           string
		told, recorded any
	}{
		{"schema", r.Schema, recorded.Schema},
		{"scenario", r.Scenario, recorded.Scenario},
		{"digest of the scenario", r.Digest, recorded.Digest},
		{"system", r.System, recorded.System},
		{"substrate", r.Substrate, recorded.Substrate},
		{"number of replicas", r.Replicas, recorded.Replicas},
		{"seed", r.Seed, recorded.Seed},
		{"trial", r.Trial, recorded.Trial},
		{"start", r.Started.UTC(), recorded.Started.UTC()},
	} {
		if c.told != c.recorded {
			return fmt.Sprintf("%s is not of this history: its %s is %v, and that of the history %v", RunFile, c.what, c.told, c.recorded)
		}
	}
	if !maps.Equal(r.Versions, recorded.Versions) {
		return fmt.Sprintf("%s is not of this history: its versions are %v, and those of the history %v", RunFile, r.Versions, recorded.Versions)
	}
	return ""
}

// remarks are what a reader should know of a record, and no reason to doubt it.
func (j Judge) remarks(h history.Header, source []byte) (remarks []string) {
	if v := h.Versions["drillrun"]; v != "" && j.Version != "" && v != j.Version {
		remarks = append(remarks, fmt.Sprintf("recorded by drillrun %s, and judged by %s: what a gate asks for may have changed between them", v, j.Version))
	}
	if j.Builtin == nil {
		return remarks
	}
	if builtin, named := j.Builtin(h.Scenario); named && drills.Digest(builtin) != drills.Digest(source) {
		remarks = append(remarks, fmt.Sprintf("%s is the name of a built-in scenario, and the script is not the built-in one of this drillrun", h.Scenario))
	}
	return remarks
}
