package engine_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/engine"
	"github.com/drillrun/drillrun/drills/history"
)

// Whoever works on a job under its lease is no leader to choose or to wait for.
func TestALeaseOfAJobHasNoLeader(t *testing.T) {
	log, err := history.Create(filepath.Join(t.TempDir(), "history.jsonl"), history.Header{})
	require.NoError(t, err)
	defer func() { require.NoError(t, log.Close()) }()
	view, stop := engine.Watch(log)
	defer stop()
	named, stopNamed := engine.Watch(log, "sweep")
	defer stopNamed()
	for leadership, subject := range map[string]string{"lease/job-1": "job/1/step-1", "control": "cron/1", "sweep": "sweep/1"} {
		log.Append(history.Event{Actor: "witness", Op: history.OpEffect, Phase: history.OK, Detail: history.Detail(history.Effect{
			Replica: "replica-1", Subject: subject, Kind: history.KindFenced, Leadership: leadership, Term: 1, Outcome: history.Accepted,
		})})
	}
	require.NotContains(t, view.Leaders(), "lease/job-1")
	require.Len(t, view.Leaders(), 2)
	require.Len(t, named.Leaders(), 1)
	require.Equal(t, "replica-1", named.Leaders()["sweep"].Replica)
}
