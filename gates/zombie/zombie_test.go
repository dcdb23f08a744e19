package zombie_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/zombie"
)

func TestHistories(t *testing.T) { gatetest.Run(t, zombie.Metric()) }
