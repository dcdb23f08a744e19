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

// keptAt is where a project keeps the manifests of its systems, each in a folder
// of the system's name.
const keptAt = "systems/*/system.yaml"

// SystemEntry is a system that can be drilled.
type SystemEntry struct {
	Summary string
	New     func() (drills.System, error)
}

// Systems are what can be drilled, by name: what is built in, and what the
// project in the working folder keeps. A manifest is read when its system is
// asked for. A name that is built in stands for nothing else.
func Systems() map[string]SystemEntry {
	all := kept()
	all[DefaultSystem] = SystemEntry{
		Summary: "the reference control plane: leader, jobs, outbox, queue, ledger on Postgres and Redis",
		New:     func() (drills.System, error) { return adapter.New() },
	}
	return all
}

// kept are the systems that the project in the working folder keeps.
func kept() map[string]SystemEntry {
	files, err := filepath.Glob(keptAt)
	if err != nil {
		panic(err) // the pattern is one
	}
	all := map[string]SystemEntry{}
	for _, file := range files {
		all[filepath.Base(filepath.Dir(file))] = SystemEntry{
			Summary: "as " + file + " describes it",
			New:     func() (drills.System, error) { return manifest.Load(file) },
		}
	}
	return all
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
	return nil, fmt.Errorf("%w; a manifest is written with its path, ./%s, or kept as %s",
		suggest.Unknown("system", name, slices.Collect(maps.Keys(Systems()))), name, strings.Replace(keptAt, "*", name, 1))
}

// ManifestOf is the file that describes what was named on the command line, where
// that is no system of the catalog's own.
func ManifestOf(name string) (file string, found bool) {
	if _, isKept := kept()[name]; isKept && name != DefaultSystem {
		return strings.Replace(keptAt, "*", name, 1), true
	}
	return name, name != DefaultSystem
}

// ManifestSchema is the format of a manifest as JSON Schema.
func ManifestSchema() []byte { return manifest.Schema }
