package substratetest

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/substratetest/prober"
)

// dialect is how one kind of store is written to and read.
type dialect struct {
	role   drills.Role
	write  [][]string // leaves what
	read   []string   // answers with
	answer string
	denied string                        // what is said to a wrong password
	flush  func(t *testing.T, s *keeper) // waits until a crash does not cost what was written
}

var dialects = []dialect{
	{
		role:   drills.RolePostgres,
		write:  [][]string{{"CREATE TABLE t (n int)"}, {"INSERT INTO t SELECT generate_series(1, 20)"}},
		read:   []string{"SELECT count(*)::text FROM t"},
		answer: "20",
		denied: "password authentication failed",
		flush:  func(*testing.T, *keeper) {}, // what is committed is safe
	},
	{
		role:   drills.RoleRedis,
		write:  [][]string{{"SET", "k", "v"}},
		read:   []string{"GET", "k"},
		answer: "v",
		denied: "WRONGPASS",
		flush:  awaitAppended,
	},
}

// stores go down in every way and keep what was written to them.
func (s suite) stores(t *testing.T) {
	sub := s.substrate(t)
	r, here := launch(t, sub, "replica-1"), harness(t)
	for _, d := range dialects {
		t.Run(string(d.role), func(t *testing.T) {
			store, err := sub.Store(t.Context(), string(d.role), d.role)
			require.NoError(t, err)
			k := &keeper{Store: store, dialect: d, here: here}
			require.Equal(t, drills.ProcessInfo{Name: string(d.role), Role: d.role, PID: k.Info().PID}, k.Info())
			t.Run("lets nobody in without its password", k.denies)
			for _, write := range d.write {
				ask(t, here, k.url(), write...)
			}
			k.requireKept(t)
			t.Run("is reached through a link", func(t *testing.T) { k.isReached(t, sub, r) })
			t.Run("has a name and data of its own", func(t *testing.T) { k.isAlone(t, sub) })
			t.Run("is killed and started again", func(t *testing.T) {
				k.goesDown(t, s, func() { require.NoError(t, k.Kill(t.Context())) })
			})
			t.Run("is terminated and started again", func(t *testing.T) { k.terminate(t, s) })
			t.Run("is frozen", func(t *testing.T) { k.freeze(t, s) })
		})
	}
	_, err := sub.Store(t.Context(), "mysql", "mysql")
	require.ErrorIs(t, err, drills.ErrUnsupported, "a role that is none")
}

// keeper is a store that is to keep what was written to it.
type keeper struct {
	drills.Store
	dialect
	here prober.Peer
}

// url is where it is reached past every link.
func (k *keeper) url() string { return k.URL(k.Addr()) }

func (k *keeper) requireKept(t *testing.T) {
	t.Helper()
	require.Equal(t, k.answer, ask(t, k.here, k.url(), k.read...))
}

func (k *keeper) denies(t *testing.T) {
	u, err := url.Parse(k.url())
	require.NoError(t, err)
	u.User = url.UserPassword(u.User.Username(), "guess")
	got := do(t, k.here, prober.Order{Verb: prober.Ask, Addr: u.String(), Statement: k.read, Within: patience})
	require.NotEqual(t, prober.Fine, got.End)
	require.Contains(t, got.Detail, k.denied)
}

// isReached asks from where a replica is.
func (k *keeper) isReached(t *testing.T, sub drills.Substrate, r *replica) {
	l := link(t, sub, drills.LinkSpec{From: "replica-1", To: k.Info().Name, Upstream: k.Addr()})
	through := k.URL(l.Addr())
	require.Equal(t, k.answer, ask(t, r, through, k.read...))
	for _, kind := range []drills.DegradationKind{drills.BlackHole, drills.Refuse} {
		require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: kind, Direction: drills.Both}))
		got := do(t, r, prober.Order{Verb: prober.Ask, Addr: through, Statement: k.read, Within: 2 * quiet})
		require.NotEqual(t, prober.Fine, got.End, kind)
		k.requireKept(t) // past the link
		require.NoError(t, l.Heal(t.Context()))
		require.Equal(t, k.answer, ask(t, r, through, k.read...))
	}
}

func (k *keeper) isAlone(t *testing.T, sub drills.Substrate) {
	_, err := sub.Store(t.Context(), k.Info().Name, k.role)
	require.ErrorContains(t, err, k.Info().Name, "of two with one name")
	twin, err := sub.Store(t.Context(), k.Info().Name+"-2", k.role)
	require.NoError(t, err)
	require.NotEqual(t, k.Addr(), twin.Addr())
	got := do(t, k.here, prober.Order{Verb: prober.Ask, Addr: twin.URL(twin.Addr()), Statement: k.read, Within: patience})
	require.NotEqual(t, k.answer, got.Answer)
	require.NoError(t, twin.Kill(t.Context()))
	k.requireKept(t)
}

// goesDown ends the store in one way, and starts it again.
func (k *keeper) goesDown(t *testing.T, s suite, end func()) {
	t.Helper()
	addr, pid, exits := k.Addr(), k.Info().PID, &exits{}
	able[drills.Exiter](t, k.Store).OnExit(exits.add)
	require.Positive(t, pid)
	require.ErrorIs(t, k.Start(t.Context()), drills.ErrRunning)
	k.flush(t, k)

	end()
	requireGone(t, pid)
	requireRefuses(t, addr)
	require.Zero(t, k.Info().PID)
	exits.await(t, 1)
	s.requireNotRunning(t, k.Store)
	require.NoError(t, k.Start(t.Context()))
	require.Equal(t, addr, k.Addr())
	require.Positive(t, k.Info().PID)
	k.requireKept(t)
	require.NotEmpty(t, logs(t, k))
}

func (k *keeper) terminate(t *testing.T, s suite) {
	if s.lacking(t, Terminate) {
		requireUnable(t, k.Store, func(i drills.Terminator) error { _, err := i.Terminate(t.Context()); return err })
		return
	}
	k.goesDown(t, s, func() {
		exit, err := able[drills.Terminator](t, k.Store).Terminate(t.Context())
		require.NoError(t, err)
		require.Zero(t, exit.Code, "it ends in good order: %+v", exit)
		require.Empty(t, exit.Signal)
	})
}

func (k *keeper) freeze(t *testing.T, s suite) {
	if s.lacking(t, Pause) {
		requireUnable(t, k.Store, func(i drills.Pauser) error { return i.Pause(t.Context()) })
		return
	}
	pauser, pid := able[drills.Pauser](t, k.Store), k.Info().PID
	require.NoError(t, pauser.Pause(t.Context()))
	got := do(t, k.here, prober.Order{Verb: prober.Ask, Addr: k.url(), Statement: k.read, Within: 2 * quiet})
	require.NotEqual(t, prober.Fine, got.End, "it answers while it is frozen")
	require.Equal(t, pid, k.Info().PID)
	require.NoError(t, pauser.Resume(t.Context()))
	k.requireKept(t)
	require.Equal(t, pid, k.Info().PID)
	k.goesDown(t, s, func() {
		require.NoError(t, pauser.Pause(t.Context()))
		require.NoError(t, k.Kill(t.Context()), "while it is frozen")
	})
}

// awaitAppended waits until Redis has handed over what it was told: while a sync
// to a slow disk is under way it holds writes back.
func awaitAppended(t *testing.T, k *keeper) {
	t.Helper()
	eventually(t, func() error {
		info := ask(t, k.here, k.url(), "INFO", "persistence")
		for _, idle := range []string{"aof_enabled:1", "aof_pending_bio_fsync:0", "aof_buffer_length:0"} {
			if !strings.Contains(info, idle) {
				return errors.New(info)
			}
		}
		return nil
	}, "the append-only file is written")
}
