package jitter_test

import (
	"testing"

	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/jitter"
)

func TestHistories(t *testing.T) { gatetest.Run(t, jitter.Metric()) }
