package stuck_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/stuck"
)

func TestHistories(t *testing.T) { gatetest.Run(t, stuck.Metric()) }
