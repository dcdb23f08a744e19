package local_test

import (
	"testing"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/drilltest"
	"github.com/drillrun/drillrun/drills/substrate/local"
)

// TestExercise holds local against what the catalog says of it.
func TestExercise(t *testing.T) {
	p := openProvider(t, local.Config{})
	drilltest.Exercise(t, func(t *testing.T) drills.Substrate { return newSubstrate(t, p) }, drilltest.Options{
		Lacks: catalog.Local(local.Config{}).Lacks,
	})
}
