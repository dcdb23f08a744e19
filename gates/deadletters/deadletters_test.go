package deadletters_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/deadletters"
	"github.com/drillrun/drillrun/gates/gatetest"
)

func TestHistories(t *testing.T) { gatetest.Run(t, deadletters.Metric()) }
