package throughput_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/throughput"
)

func TestHistories(t *testing.T) { gatetest.Run(t, throughput.Metric()) }
