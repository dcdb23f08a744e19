package duplicates_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/duplicates"
	"github.com/drillrun/drillrun/gates/gatetest"
)

func TestHistories(t *testing.T) { gatetest.Run(t, duplicates.Metric()) }
