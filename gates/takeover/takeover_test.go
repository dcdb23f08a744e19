package takeover_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/takeover"
)

func TestHistories(t *testing.T) { gatetest.Run(t, takeover.Metric()) }
