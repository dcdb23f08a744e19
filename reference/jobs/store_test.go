package jobs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/jobs"
)

func TestTheSameSubmissionAgainIsTheSameJob(t *testing.T) {
	pool := stores.Migrated(t)
	s := jobs.NewStore(pool, 5*time.Second)
	sub := jobs.Submission{Key: "k", Payload: json.RawMessage(`{"a": 1, "b": 2}`)}
	job, created, err := s.Submit(t.Context(), sub)
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, jobs.Queued, job.State)
	require.Equal(t, "effect", job.Kind)
	require.Equal(t, "job/k", job.Subject)

	sub.Payload = json.RawMessage(`{"b":2,"a":1}`) // the same JSON
	again, created, err := s.Submit(t.Context(), sub)
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, job.ID, again.ID)
	require.Equal(t, 1, teststores.One[int](t, pool, `SELECT count(*) FROM outbox`))

	for name, other := range map[string]jobs.Submission{
		"kind":    {Key: "k", Kind: "other", Payload: sub.Payload},
		"subject": {Key: "k", Subject: "other", Payload: sub.Payload},
		"payload": {Key: "k"},
	} {
		_, _, err := s.Submit(t.Context(), other)
		require.ErrorIs(t, err, jobs.ErrConflict, name)
	}
}

func TestOneKeySubmittedByManyAtOnceIsOneJobWithOneOutboxRow(t *testing.T) {
	pool := stores.Migrated(t)
	s := jobs.NewStore(pool, 5*time.Second)
	const clients = 16
	ids, created := make([]int64, clients), make([]bool, clients)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			job, first, err := s.Submit(t.Context(), jobs.Submission{Key: "k"})
			if err != nil {
				t.Error(err)
			}
			ids[i], created[i] = job.ID, first
		})
	}
	all.Wait()
	firsts := 0
	for i := range clients {
		require.Equal(t, ids[0], ids[i])
		if created[i] {
			firsts++
		}
	}
	require.Equal(t, 1, firsts)
	require.Equal(t, 1, teststores.One[int](t, pool, `SELECT count(*) FROM outbox`))
}

func TestSubmissionsThatCannotBeTaken(t *testing.T) {
	s := jobs.NewStore(stores.Migrated(t), 5*time.Second)
	for _, c := range []struct {
		name string
		sub  jobs.Submission
		why  string
	}{
		{"no key", jobs.Submission{}, "key is missing"},
		{"a key too long", jobs.Submission{Key: strings.Repeat("k", jobs.MaxKey+1)}, "key has 513 bytes"},
		{"a key with a line break", jobs.Submission{Key: "a\nb"}, "control characters"},
		{"a subject that is not text", jobs.Submission{Key: "k", Subject: "\xff"}, "not UTF-8"},
		{"a kind too long", jobs.Submission{Key: "k", Kind: strings.Repeat("k", 65)}, "kind has 65 bytes"},
		{"a payload that is not JSON", jobs.Submission{Key: "k", Payload: json.RawMessage(`{`)}, "not JSON"},
		{"a payload too large", jobs.Submission{Key: "k", Payload: json.RawMessage(`"` + strings.Repeat("x", jobs.MaxPayload) + `"`)}, "payload has"},
		{"a payload that Postgres cannot hold", jobs.Submission{Key: "k", Payload: json.RawMessage(`"\u0000"`)}, "22P05"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := s.Submit(t.Context(), c.sub)
			require.ErrorIs(t, err, jobs.ErrInvalid)
			require.ErrorContains(t, err, c.why)
		})
	}
}

func TestJobsAreListedInPages(t *testing.T) {
	s := jobs.NewStore(stores.Migrated(t), 5*time.Second)
	for i := range 5 {
		_, _, err := s.Submit(t.Context(), jobs.Submission{Key: fmt.Sprint(i)})
		require.NoError(t, err)
	}
	page, err := s.List(t.Context(), "", 0, 3)
	require.NoError(t, err)
	require.Len(t, page, 3)
	rest, err := s.List(t.Context(), jobs.Queued, page[2].ID, 3)
	require.NoError(t, err)
	require.Len(t, rest, 2)
	none, err := s.List(t.Context(), jobs.Done, 0, 3)
	require.NoError(t, err)
	require.Empty(t, none)

	job, err := s.Get(t.Context(), page[0].ID)
	require.NoError(t, err)
	require.Equal(t, page[0], job)
	_, err = s.Get(t.Context(), 1<<40)
	require.ErrorIs(t, err, jobs.ErrNotFound)
	job, err = s.Find(t.Context(), "0")
	require.NoError(t, err)
	require.Equal(t, page[0], job)
	_, err = s.Find(t.Context(), "none")
	require.ErrorIs(t, err, jobs.ErrNotFound)
}

func TestASubmissionThatCertainlyLeftNothingSaysSo(t *testing.T) {
	pool := stores.Migrated(t)
	s := jobs.NewStore(pool, 5*time.Second)
	teststores.Exec(t, pool, `ALTER DATABASE `+pool.Config().ConnConfig.Database+` SET default_transaction_read_only = on`)
	pool.Reset()
	_, _, err := s.Submit(t.Context(), jobs.Submission{Key: "k"})
	require.ErrorIs(t, err, jobs.ErrNotWritten, "refused by the server")

	cfg, err := pgxpool.ParseConfig("postgres://postgres@127.0.0.1:1/none?sslmode=disable")
	require.NoError(t, err)
	away, err := pgxpool.NewWithConfig(t.Context(), cfg)
	require.NoError(t, err)
	defer away.Close()
	_, _, err = jobs.NewStore(away, time.Second).Submit(t.Context(), jobs.Submission{Key: "k"})
	require.ErrorIs(t, err, jobs.ErrNotWritten, "nobody there")
}

func TestASubmissionOfAClientThatHasGoneWaitsForNoConnection(t *testing.T) {
	pool := stores.Migrated(t)
	for range pool.Config().MaxConns {
		conn, err := pool.Acquire(t.Context())
		require.NoError(t, err)
		defer conn.Release()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := jobs.NewStore(pool, 5*time.Second).Submit(ctx, jobs.Submission{Key: "k"})
	require.ErrorIs(t, err, jobs.ErrNotWritten)
	require.ErrorIs(t, err, context.Canceled)
}

func TestASubmissionWhoseAnswerIsLostStaysOpen(t *testing.T) {
	pool := stores.Migrated(t)
	u := pool.Config().ConnConfig
	link := teststores.NewForwarder(t, fmt.Sprintf("%s:%d", u.Host, u.Port))
	behind := teststores.Pool(t, fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", link.Addr(), u.Database))
	s := jobs.NewStore(behind, 300*time.Millisecond)
	require.NoError(t, behind.Ping(t.Context()))
	link.BlackHole(true)
	_, _, err := s.Submit(t.Context(), jobs.Submission{Key: "k"})
	require.Error(t, err)
	require.NotErrorIs(t, err, jobs.ErrNotWritten, "the statement was sent")
	link.BlackHole(false)
}

func TestEveryKindHasALaneAndAKindThatNobodyKnowsHasTheDefaultOne(t *testing.T) {
	for kind, lane := range map[string]jobs.Lane{
		jobs.DefaultKind: jobs.DefaultLane, jobs.Provision: jobs.ProvisionLane, jobs.Cluster: jobs.ClusterLane,
		jobs.Pipeline: jobs.PipelineLane, "teleport": jobs.DefaultLane, "default": jobs.DefaultLane, "": jobs.DefaultLane,
	} {
		require.Equal(t, lane, jobs.LaneOf(kind), kind)
		require.Contains(t, jobs.Lanes(), lane)
	}
}
