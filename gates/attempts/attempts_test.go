package attempts_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/attempts"
	"github.com/drillrun/drillrun/gates/gatetest"
)

func TestHistories(t *testing.T) { gatetest.Run(t, attempts.Metric()) }
