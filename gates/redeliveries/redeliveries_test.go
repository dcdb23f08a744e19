package redeliveries_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/redeliveries"
)

func TestHistories(t *testing.T) { gatetest.Run(t, redeliveries.Metric()) }
