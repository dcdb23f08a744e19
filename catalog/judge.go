package catalog

import (
	"errors"
	"slices"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/runner"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/scenarios"
)

// Judge judges run folders by every gate there is. Only the gates of a recorded
// scenario are read: what was a step when it was run need be none any more, and a
// gate that was asked for twice is judged twice.
func Judge() runner.Judge {
	return runner.Judge{
		Metrics: Metrics(),
		Builtin: func(name string) ([]byte, bool) {
			if !slices.Contains(scenarios.Names(), name) {
				return nil, false
			}
			_, source, err := scenarios.Source(name)
			return source, err == nil
		},
		Gates: func(file string, source []byte) ([]gates.Gate, error) {
			var compiled []gates.Gate
			var wrong scenarios.Mistakes
			metrics := metricsByName()
			lines := scenarios.ReadGates(source)
			if len(lines) == 0 {
				wrong = wrong.In(file, drills.GateLine{Line: 1}, errors.New("it has no gates: it is no scenario that was run"))
			}
			for _, line := range lines {
				gate, err := gates.Compile(line.Text, metrics)
				if err != nil {
					wrong = wrong.In(file, line, err)
				}
				compiled = append(compiled, gate)
			}
			return compiled, wrong.Err()
		},
	}
}
