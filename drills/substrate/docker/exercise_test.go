package docker_test

import (
	"testing"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/drilltest"
)

func TestExercise(t *testing.T) {
	p := open(t)
	drilltest.Exercise(t, func(t *testing.T) drills.Substrate { return newSubstrate(t, p) }, drilltest.Options{Lacks: catalog.Docker().Lacks})
}
