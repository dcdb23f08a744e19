package concurrencykeys_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/concurrencykeys"
	"github.com/drillrun/drillrun/gates/gatetest"
)

func TestHistories(t *testing.T) {
	gatetest.Run(t, concurrencykeys.Concurrency(), concurrencykeys.Parallelism())
}
