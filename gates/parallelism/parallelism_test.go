package parallelism_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/parallelism"
)

func TestHistories(t *testing.T) {
	gatetest.Run(t, parallelism.Compute(), parallelism.Network(), parallelism.Storage())
}
