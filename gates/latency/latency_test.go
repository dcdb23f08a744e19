package latency_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/latency"
)

func TestHistories(t *testing.T) { gatetest.Run(t, latency.Calm(), latency.Fault()) }
