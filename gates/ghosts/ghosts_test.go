package ghosts_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/ghosts"
)

func TestHistories(t *testing.T) { gatetest.Run(t, ghosts.Metric()) }
