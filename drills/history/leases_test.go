package history_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
)

func TestAJobIsNamedByTheFirstPartsOfASubject(t *testing.T) {
	for subject, want := range map[string]string{"job/7": "job/7", "job/7/step-2": "job/7", "cron/7": "", "jobs/7": ""} {
		job, ok := history.JobOf(subject)
		require.Equal(t, want, job, subject)
		require.Equal(t, want != "", ok, subject)
	}
}

func TestALeaseIsHeldForOneJob(t *testing.T) {
	var l history.Leases
	act := func(leadership, subject string) {
		l.Observe(&history.Effect{Leadership: leadership, Subject: subject})
	}
	act("lease/1", "job/1")
	act("lease/1", "job/1/step-2")
	act("shard/3", "job/2")
	require.True(t, l.Is("lease/1"))
	require.True(t, l.Is("shard/3"), "nobody knows better yet")
	act("shard/3", "job/3")
	act("cron", "cron/1")
	act("cron", "job/4")
	act("", "job/5")
	require.False(t, l.Is("shard/3"), "it outlives a job")
	require.False(t, l.Is("cron"))
	require.False(t, l.Is("unheard-of"))
}

func TestWhatASystemNamesIsALeadershipAndNothingElse(t *testing.T) {
	l := history.Leases{Leaderships: []string{"control"}}
	l.Observe(&history.Effect{Leadership: "control", Subject: "job/1"})
	l.Observe(&history.Effect{Leadership: "token/8", Subject: "rows/1"})
	require.False(t, l.Is("control"))
	require.True(t, l.Is("token/8"))
}
