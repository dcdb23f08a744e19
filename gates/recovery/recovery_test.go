package recovery_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/recovery"
)

func TestHistories(t *testing.T) { gatetest.Run(t, recovery.Metric()) }
