package shutdown_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/shutdown"
)

func TestHistories(t *testing.T) { gatetest.Run(t, shutdown.Metric()) }
