package catalog

import (
	"github.com/drillrun/drillrun/internal/suggest"
	"github.com/drillrun/drillrun/reference/defects"
)

// Defects are the known-bad variants of the default system, in the order of
// their catalogue.
func Defects() []defects.Defect { return defects.All() }

// OpenDefects are those that wait for parts of the default system.
func OpenDefects() []defects.Awaited { return defects.Open() }

// Defect returns the defect of that name.
func Defect(name string) (defects.Defect, error) {
	if d, known := defects.Named(name); known {
		return d, nil
	}
	var known []string
	for _, d := range Defects() {
		known = append(known, d.Name)
	}
	return defects.Defect{}, suggest.Unknown("defect", name, known)
}
