package failover_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/failover"
	"github.com/drillrun/drillrun/gates/gatetest"
)

func TestHistories(t *testing.T) { gatetest.Run(t, failover.Metric()) }
