package controlplane_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/internal/teststores"
)

func TestUnderAllFaultsInTurnEveryAcknowledgedJobTakesEffectOnceAndNothingIsLeft(t *testing.T) {
	p, r := stores.Postgres(t), stores.Redis(t)
	w := world{database: p.URL(), redis: r.URL(), receiver: teststores.NewReceiver(t)}
	names := []string{"replica-1", "replica-2", "replica-3"}
	var mu sync.Mutex
	replicas := map[string]*child{}
	at := func(i int) *child {
		mu.Lock()
		defer mu.Unlock()
		return replicas[names[i%3]]
	}
	for _, name := range names {
		replicas[name] = w.start(t, name)
	}
	for i := range names {
		at(i).awaitReady(t)
	}

	// Clients try each key at one replica after the other until it is taken.
	var next, acknowledged atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(10 * time.Millisecond):
				}
				n := next.Add(1)
				for i := int(n); ; i++ {
					status, _ := at(i).call(http.MethodPost, "/v1/jobs", submission(fmt.Sprint("k", n), int(n)))
					if status == http.StatusAccepted || status == http.StatusOK {
						acknowledged.Add(1)
						break
					}
				}
			}
		})
	}
	restart := func(i int) {
		at(i).kill(t)
		c := w.start(t, names[i])
		mu.Lock()
		replicas[names[i]] = c
		mu.Unlock()
	}
	look := r.Client(t)
	for _, fault := range []func(){
		func() { restart(rand.IntN(3)) },
		func() { require.NoError(t, look.FlushAll(t.Context()).Err()) },
		func() {
			victim := at(rand.IntN(3))
			require.NoError(t, victim.cmd.Process.Signal(syscall.SIGSTOP))
			<-time.After(2500 * time.Millisecond)
			require.NoError(t, victim.cmd.Process.Signal(syscall.SIGCONT))
		},
		func() { require.NoError(t, p.Stop()); require.NoError(t, p.Start()) },
		func() { require.NoError(t, r.Stop()); require.NoError(t, r.Start()) },
		func() { restart(rand.IntN(3)) },
	} {
		<-time.After(time.Duration(300+rand.IntN(500)) * time.Millisecond)
		fault()
	}
	<-time.After(500 * time.Millisecond)
	close(stop)
	clients.Wait()
	t.Logf("%d jobs acknowledged", acknowledged.Load())
	w.exactlyOnce(t, "job/", int(acknowledged.Load()))
	require.Eventually(t, func() bool {
		return slices.Equal([]int64{0, 0, 0, 0}, queued(t, look)) && pending(t, look) == 0
	}, 10*time.Second, 20*time.Millisecond, "the lanes are empty at rest")
	pool := teststores.Pool(t, p.URL())
	require.Equal(t, int(acknowledged.Load()), teststores.One[int](t, pool, `SELECT count(*) FROM jobs WHERE state = 'done'`))
	require.Zero(t, teststores.One[int](t, pool, `SELECT count(*) FROM jobs WHERE state <> 'done'`))
	require.Zero(t, teststores.One[int](t, pool, `SELECT count(*) FROM dead_letters`))
	require.Zero(t, teststores.One[int](t, pool, `SELECT count(*) FROM outbox WHERE published_at IS NULL`))
}
