package leaderless_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/leaderless"
)

func TestHistories(t *testing.T) { gatetest.Run(t, leaderless.Metric()) }
