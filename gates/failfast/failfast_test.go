package failfast_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/failfast"
	"github.com/drillrun/drillrun/gates/gatetest"
)

func TestHistories(t *testing.T) { gatetest.Run(t, failfast.Metric()) }
