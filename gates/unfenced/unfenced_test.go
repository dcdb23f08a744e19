package unfenced_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/unfenced"
)

func TestHistories(t *testing.T) { gatetest.Run(t, unfenced.Metric()) }
