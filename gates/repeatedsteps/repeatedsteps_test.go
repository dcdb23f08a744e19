package repeatedsteps_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/repeatedsteps"
)

func TestHistories(t *testing.T) { gatetest.Run(t, repeatedsteps.Metric()) }
