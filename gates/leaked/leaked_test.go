package leaked_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/leaked"
)

func TestHistories(t *testing.T) { gatetest.Run(t, leaked.Metric()) }
