package exitzero_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/exitzero"
	"github.com/drillrun/drillrun/gates/gatetest"
)

func TestHistories(t *testing.T) { gatetest.Run(t, exitzero.Metric()) }
