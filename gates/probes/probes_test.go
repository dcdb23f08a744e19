package probes_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/probes"
)

func TestHistories(t *testing.T) { gatetest.Run(t, probes.Metric()) }
