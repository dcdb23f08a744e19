package kindparallelism_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/kindparallelism"
)

func TestHistories(t *testing.T) {
	gatetest.Run(t, kindparallelism.Provision(), kindparallelism.Cluster(), kindparallelism.Pipeline())
}
