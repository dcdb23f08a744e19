package doublecalls_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/doublecalls"
	"github.com/drillrun/drillrun/gates/gatetest"
)

func TestHistories(t *testing.T) { gatetest.Run(t, doublecalls.Metric()) }
