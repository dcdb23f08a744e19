package outage_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/outage"
)

func TestHistories(t *testing.T) { gatetest.Run(t, outage.Metric()) }
