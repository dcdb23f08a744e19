package republished_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/republished"
)

func TestRepublished(t *testing.T) { gatetest.Run(t, republished.Metric()) }
