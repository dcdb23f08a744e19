package elections_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/elections"
	"github.com/drillrun/drillrun/gates/gatetest"
)

func TestHistories(t *testing.T) { gatetest.Run(t, elections.Metric()) }
