package isolation_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/isolation"
)

func TestHistories(t *testing.T) { gatetest.Run(t, isolation.Metric()) }
