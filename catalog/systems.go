package catalog

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/manifest"
	"github.com/drillrun/drillrun/internal/suggest"
	"github.com/drillrun/drillrun/reference/adapter"
)

// DefaultSystem is drilled where none is named.
const DefaultSystem = "reference"

// SystemEntry is a system that can be drilled.
type SystemEntry struct {
	Summary string
	New     func() (drills.System, error)
}

// Systems are what can be drilled, by name.
func Systems() map[string]SystemEntry {
	return map[string]SystemEntry{
		DefaultSystem: {
			Summary: "the reference control plane: leader, jobs, outbox, queue, ledger on Postgres and Redis",
			New:     func() (drills.System, error) { return adapter.New() },
		},
	}
}

// System makes what was named on the command line: a system of the catalog, or
// the one that a manifest describes. What looks like a path is a manifest.
func System(name string) (drills.System, error) {
	if entry, ok := Systems()[name]; ok {
		return entry.New()
	}
	if strings.ContainsRune(name, filepath.Separator) || filepath.Ext(name) == ".yaml" {
		return manifest.Load(name)
	}
	return nil, fmt.Errorf("%w; a manifest is written with its path, ./%s",
		suggest.Unknown("system", name, slices.Collect(maps.Keys(Systems()))), name)
}

// ManifestSchema is the format of a manifest as JSON Schema.
func ManifestSchema() []byte { return manifest.Schema }
