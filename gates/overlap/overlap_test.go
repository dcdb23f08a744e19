package overlap_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/overlap"
)

func TestHistories(t *testing.T) { gatetest.Run(t, overlap.Metric()) }
