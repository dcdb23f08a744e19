package catalog

import (
	"fmt"

	"github.com/drillrun/drillrun/drills"
)

// Inapplicable says why the scenario cannot be drilled with a system that is set
// up by these options: what it requires and the system does not offer, or options
// that the system would not follow. It is empty where nothing stands against it.
func (s Script) Inapplicable(system drills.System, options map[string]string) string {
	for _, want := range s.Requires {
		if !system.Guarantees().Offers(want) {
			return fmt.Sprintf("%s offers no %s", system.Name(), want)
		}
	}
	if len(options) == 0 {
		return ""
	}
	optioned, ok := system.(drills.Optioned)
	if !ok {
		return fmt.Sprintf("%s has no options, and some are set", system.Name())
	}
	if err := optioned.CheckOptions(options); err != nil {
		return err.Error()
	}
	return ""
}
