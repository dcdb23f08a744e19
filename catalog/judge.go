package catalog

import (
	"github.com/drillrun/drillrun/drills/runner"
	"github.com/drillrun/drillrun/gates"
)

// Judge judges run folders by every gate there is.
func Judge() runner.Judge {
	return runner.Judge{
		Metrics: Metrics(),
		Gates: func(file string, source []byte) ([]gates.Gate, error) {
			s, err := Parse(file, source)
			return s.Gates, err
		},
	}
}
