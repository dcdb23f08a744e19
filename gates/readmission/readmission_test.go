package readmission_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/readmission"
)

func TestHistories(t *testing.T) { gatetest.Run(t, readmission.Metric()) }
