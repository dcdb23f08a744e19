package availability_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/availability"
	"github.com/drillrun/drillrun/gates/gatetest"
)

func TestHistories(t *testing.T) { gatetest.Run(t, availability.Metric()) }
