package queue_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/queue"
)

const lease = 200 * time.Millisecond

// key is the stream of the lane in which most tests publish.
var key = queue.StreamKey(jobs.DefaultLane)

// ends are both ends of a queue.
type ends struct {
	*queue.Stream // of the default lane
	*queue.Feed
}

// publish publishes jobs of the default kind.
func (e ends) publish(t *testing.T, ids ...int64) (generation string) {
	t.Helper()
	generation, err := e.Publish(t.Context(), of(jobs.DefaultKind, ids...))
	require.NoError(t, err)
	return generation
}

func of(kind string, ids ...int64) []queue.Job {
	list := make([]queue.Job, len(ids))
	for i, id := range ids {
		list[i] = queue.Job{ID: id, Kind: kind}
	}
	return list
}

// open returns both ends of the queue, and a client for looking.
func open(t *testing.T, r *teststores.Redis, consumer string) (ends, *redis.Client) {
	t.Helper()
	client, err := queue.Open(r.URL(), time.Second)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return ends{lane(client, jobs.DefaultLane, consumer), queue.NewFeed(client, time.Second)}, client
}

func lane(client *redis.Client, l jobs.Lane, consumer string) *queue.Stream {
	return queue.New(client, l, consumer, lease, time.Second, slog.New(slog.DiscardHandler))
}

type source interface {
	Receive(ctx context.Context, n int, block time.Duration) ([]queue.Entry, error)
}

// receive returns at least one entry.
func receive(t *testing.T, s source, n int) []queue.Entry {
	t.Helper()
	var entries []queue.Entry
	require.Eventually(t, func() bool {
		var err error
		entries, err = s.Receive(t.Context(), n, 10*time.Millisecond)
		require.NoError(t, err)
		return len(entries) > 0
	}, 5*time.Second, time.Millisecond)
	return entries
}

func TestWhatWasPublishedBeforeTheGroupExistedIsReceivedInOrderAndAcknowledgedEntriesAreGone(t *testing.T) {
	s, client := open(t, stores.Redis(t), "replica-1")
	s.publish(t, 3, 1, 2)
	entries := receive(t, s, 2)
	require.Len(t, entries, 2)
	entries = append(entries, receive(t, s, 2)...)
	require.Equal(t, []int64{3, 1, 2}, []int64{entries[0].Job, entries[1].Job, entries[2].Job})
	for range 2 { // it can be repeated
		require.NoError(t, s.Ack(t.Context(), entries))
	}
	require.Zero(t, client.XLen(t.Context(), key).Val())
	require.Zero(t, client.XPending(t.Context(), key, queue.GroupName).Val().Count)
}

func TestAnEntryOfASilentConsumerIsReclaimedAfterTheLeaseAndNotBefore(t *testing.T) {
	r := stores.Redis(t)
	a, _ := open(t, r, "replica-1")
	b, _ := open(t, r, "replica-2")
	a.publish(t, 1, 2)
	entries := receive(t, a, 2)
	received := time.Now()
	none, err := b.Reclaim(t.Context(), 10)
	require.NoError(t, err)
	require.Empty(t, none)
	var reclaimed []queue.Entry
	require.Eventually(t, func() bool {
		require.NoError(t, a.Touch(t.Context(), entries[:1])) // the first is still worked on
		reclaimed, err = b.Reclaim(t.Context(), 10)
		require.NoError(t, err)
		return len(reclaimed) > 0
	}, 5*time.Second, 5*time.Millisecond)
	require.GreaterOrEqual(t, time.Since(received), lease-10*time.Millisecond)
	require.Equal(t, entries[1:], reclaimed)
}

func TestReclaimReachesStaleEntriesBehindManyFreshOnes(t *testing.T) {
	r := stores.Redis(t)
	a, _ := open(t, r, "replica-1")
	b, _ := open(t, r, "replica-2")
	ids := make([]int64, 200)
	a.publish(t, ids...)
	var entries []queue.Entry
	for len(entries) < len(ids) {
		entries = append(entries, receive(t, a, 200)...)
	}
	require.Eventually(t, func() bool {
		require.NoError(t, a.Touch(t.Context(), entries[:199]))
		reclaimed, err := b.Reclaim(t.Context(), 1)
		require.NoError(t, err)
		return len(reclaimed) == 1 && reclaimed[0] == entries[199]
	}, 5*time.Second, 5*time.Millisecond)
}

func TestWhatIsNoEntryIsDeadLetteredOnceAndDoesNotBlockOthers(t *testing.T) {
	s, client := open(t, stores.Redis(t), "replica-1")
	ctx := t.Context()
	require.NoError(t, client.XAdd(ctx, &redis.XAddArgs{Stream: key, Values: []string{"job", "seven"}}).Err())
	require.NoError(t, client.XAdd(ctx, &redis.XAddArgs{Stream: key, Values: []string{"other", "1"}}).Err())
	s.publish(t, 8, 9)
	entries := receive(t, s, 10)
	require.Len(t, entries, 2)
	require.Equal(t, int64(8), entries[0].Job)
	require.Equal(t, int64(2), client.XLen(ctx, queue.MalformedKey).Val())

	require.NoError(t, s.Reject(ctx, entries[0], "no such job"))
	require.Equal(t, int64(3), client.XLen(ctx, queue.MalformedKey).Val())
	require.Equal(t, int64(1), client.XLen(ctx, key).Val(), "only what is good is left")
	require.Equal(t, int64(1), client.XPending(ctx, key, queue.GroupName).Val().Count)
}

func TestAGenerationEndsWithTheDataAndWithTheServer(t *testing.T) {
	r := stores.Redis(t)
	s, client := open(t, r, "replica-1")
	ctx := t.Context()
	published := s.publish(t, 1)
	require.Empty(t, published, "nobody has begun a generation")
	first, err := s.Generation(ctx)
	require.NoError(t, err)
	same, err := s.Generation(ctx)
	require.NoError(t, err)
	require.Equal(t, first, same)
	published = s.publish(t, 2)
	require.Equal(t, first, published)

	require.NoError(t, client.FlushAll(ctx).Err())
	second, err := s.Generation(ctx)
	require.NoError(t, err)
	require.NotEqual(t, first, second)

	// A server that comes back with its data may still have forgotten the end of it.
	dump := client.Get(ctx, queue.GenerationKey).Val()
	require.NoError(t, r.Stop())
	require.NoError(t, r.Start())
	require.Eventually(t, func() bool { return client.Set(ctx, queue.GenerationKey, dump, 0).Err() == nil }, 5*time.Second, time.Millisecond)
	third, err := s.Generation(ctx)
	require.NoError(t, err)
	require.NotEqual(t, second, third)
}

func TestLagIsTheAgeOfTheOldestEntryThatWaits(t *testing.T) {
	s, client := open(t, stores.Redis(t), "replica-1")
	lag := func() time.Duration {
		d, err := s.Lag(t.Context())
		require.NoError(t, err)
		return d
	}
	require.Zero(t, lag(), "no stream")
	s.publish(t, 1, 2)
	require.Eventually(t, func() bool { return lag() > 20*time.Millisecond }, 5*time.Second, time.Millisecond, "no group, but entries")
	entries := receive(t, s, 1)
	require.Greater(t, lag(), 20*time.Millisecond, "the second waits")
	require.NoError(t, s.Ack(t.Context(), append(entries, receive(t, s, 1)...)))
	require.Zero(t, lag())
	require.NoError(t, client.FlushAll(t.Context()).Err())
	require.Zero(t, lag())
}

func TestEachLaneHoldsItsKindAndNothingOfTheOthers(t *testing.T) {
	s, client := open(t, stores.Redis(t), "replica-1")
	_, err := s.Publish(t.Context(), []queue.Job{
		{ID: 1, Kind: jobs.Cluster}, {ID: 2, Kind: jobs.DefaultKind}, {ID: 3, Kind: jobs.Provision},
		{ID: 4, Kind: "teleport"}, {ID: 5, Kind: jobs.Cluster}, {ID: 6, Kind: jobs.Pipeline},
	})
	require.NoError(t, err)
	for l, want := range map[jobs.Lane][]int64{
		jobs.DefaultLane: {2, 4}, jobs.ProvisionLane: {3}, jobs.ClusterLane: {1, 5}, jobs.PipelineLane: {6},
	} {
		own := lane(client, l, "replica-1")
		entries := receive(t, own, 10)
		var got []int64
		for _, e := range entries {
			got = append(got, e.Job)
		}
		require.Equal(t, want, got, l)
		require.NoError(t, own.Ack(t.Context(), entries))
		require.Zero(t, client.XLen(t.Context(), queue.StreamKey(l)).Val(), l)
	}
}

func TestLagIsThatOfTheLaneThatIsFurthestBehind(t *testing.T) {
	s, client := open(t, stores.Redis(t), "replica-1")
	_, err := s.Publish(t.Context(), of(jobs.Pipeline, 1))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		lag, err := s.Lag(t.Context())
		require.NoError(t, err)
		return lag > 50*time.Millisecond
	}, 5*time.Second, time.Millisecond)
	s.publish(t, 2)
	pipeline := lane(client, jobs.PipelineLane, "replica-1")
	for _, of := range []struct {
		source
		less bool
	}{{s, false}, {pipeline, true}} {
		receive(t, of.source, 1)
		lag, err := s.Lag(t.Context())
		require.NoError(t, err)
		require.Equal(t, of.less, lag < 50*time.Millisecond, "lag %v", lag)
	}
}

func TestALostGroupIsMadeAgain(t *testing.T) {
	s, client := open(t, stores.Redis(t), "replica-1")
	s.publish(t, 1)
	receive(t, s, 1)
	require.NoError(t, client.FlushAll(t.Context()).Err())
	s.publish(t, 2)
	require.NoError(t, s.Touch(t.Context(), []queue.Entry{{ID: "1-1", Job: 1}}))
	require.Equal(t, int64(2), receive(t, s, 1)[0].Job)
	require.NoError(t, client.XGroupDestroy(t.Context(), key, queue.GroupName).Err())
	none, err := s.Reclaim(t.Context(), 1)
	require.NoError(t, err)
	require.Empty(t, none)
	require.Equal(t, int64(2), receive(t, s, 1)[0].Job, "what was pending is delivered again")
}

func TestPublishingIsAllOrNothingWhenRedisIsFull(t *testing.T) {
	s, client := open(t, stores.Redis(t), "replica-1")
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "1").Err())
	_, err := s.Publish(t.Context(), append(of(jobs.DefaultKind, 1, 2), of(jobs.Cluster, 3)...))
	require.Error(t, err)
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "0").Err())
	for _, lane := range jobs.Lanes() {
		require.Zero(t, client.XLen(t.Context(), queue.StreamKey(lane)).Val(), lane)
	}
}
