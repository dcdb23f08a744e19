package local_test

import (
	"testing"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local"
	"github.com/drillrun/drillrun/drills/substrate/substratetest"
)

// TestExercise holds local against what the catalog says of it.
func TestExercise(t *testing.T) {
	p := openProvider(t, local.Config{})
	substratetest.Exercise(t, func(t *testing.T) drills.Substrate { return newSubstrate(t, p) }, substratetest.Options{
		Lacks: catalog.Local(local.Config{}).Lacks,
	})
}
