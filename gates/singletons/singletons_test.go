package singletons_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/singletons"
)

func TestHistories(t *testing.T) { gatetest.Run(t, singletons.Metric()) }
