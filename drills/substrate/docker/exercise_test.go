package docker_test

import (
	"testing"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/substratetest"
)

func TestExercise(t *testing.T) {
	p := open(t)
	substratetest.Exercise(t, func(t *testing.T) drills.Substrate { return newSubstrate(t, p) }, substratetest.Options{Lacks: catalog.Docker().Lacks})
}
