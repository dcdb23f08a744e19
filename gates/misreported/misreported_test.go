package misreported_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/misreported"
)

func TestHistories(t *testing.T) { gatetest.Run(t, misreported.Metric()) }
