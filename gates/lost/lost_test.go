package lost_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/lost"
)

func TestHistories(t *testing.T) { gatetest.Run(t, lost.Metric()) }
