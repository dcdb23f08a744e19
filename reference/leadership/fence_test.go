package leadership

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

const fencedUpdate = `UPDATE owned SET value = $3, term = $2 WHERE id = 1 AND ` + Fence

func valid() error { return nil }

func TestFencedWrites(t *testing.T) {
	o := database(t, 10*time.Second)
	conn := connect(t, o)
	ctx := t.Context()
	_, err := conn.Exec(ctx, `CREATE TABLE owned (id int, value text, term bigint); INSERT INTO owned VALUES (1, '', 0);
		INSERT INTO leadership (key, term, holder) VALUES ('k', 7, 'replica-1')`)
	require.NoError(t, err)

	for _, c := range []struct {
		name  string
		lease *Lease
		sql   string
		rows  int64
		err   error
	}{
		{"the current term writes", NewLease("k", 7, valid), fencedUpdate, 1, nil},
		{"a superseded term writes nothing", NewLease("k", 6, valid), fencedUpdate, 0, ErrTermLost},
		{"a term of another key writes nothing", NewLease("j", 7, valid), fencedUpdate, 0, ErrTermLost},
		{"an expired lease does not even ask", NewLease("k", 7, func() error { return ErrTermLost }), fencedUpdate, 0, ErrTermLost},
		{"nothing to write is no loss", NewLease("k", 7, valid),
			`UPDATE owned SET value = $3 WHERE id = 2 AND ` + Fence, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := Exec(WithLease(ctx, c.lease), conn, c.sql, "written")
			require.ErrorIs(t, err, c.err)
			require.Equal(t, c.rows, n)
		})
	}
	_, err = Exec(ctx, conn, fencedUpdate, "written")
	require.ErrorIs(t, err, ErrNotHolder)
}

func TestAFencedWriteThatWaitsForARowNeverCommitsUnderASupersededTerm(t *testing.T) {
	o := database(t, 10*time.Second)
	ctx := t.Context()
	look, blocker, writer := connect(t, o), connect(t, o), connect(t, o)
	_, err := look.Exec(ctx, `CREATE TABLE owned (id int, value text, term bigint); INSERT INTO owned VALUES (1, '', 0);
		INSERT INTO leadership (key, term, holder) VALUES ('k', 7, 'replica-1')`)
	require.NoError(t, err)
	// Whatever the order of commits, this sees a write under an older term.
	_, err = look.Exec(ctx, `
		CREATE TABLE late (claimed bigint, current bigint);
		CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO late SELECT NEW.term, l.term FROM leadership l WHERE l.key = 'k' AND l.term <> NEW.term;
			RETURN NULL;
		END $$;
		CREATE CONSTRAINT TRIGGER judge AFTER UPDATE ON owned DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION judge()`)
	require.NoError(t, err)

	tx, err := blocker.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, `SELECT 1 FROM owned FOR UPDATE`)
	require.NoError(t, err)
	wrote := make(chan error, 1)
	go func() {
		_, err := Exec(WithLease(ctx, NewLease("k", 7, valid)), writer, fencedUpdate, "waited")
		wrote <- err
	}()
	blocked(t, look, 1)
	raised := make(chan error, 1)
	next, err := OpenSession(ctx, o)
	require.NoError(t, err)
	defer next.Close()
	go func() {
		_, _, err := next.RaiseTerm(ctx, "k", "replica-2")
		raised <- err
	}()
	blocked(t, look, 2)
	require.Empty(t, raised, "the next term waits for the write that is under way")
	require.NoError(t, tx.Commit(ctx))
	require.NoError(t, within(t, 5*time.Second, wrote, "the write"))
	require.NoError(t, within(t, 5*time.Second, raised, "the next term"))

	var late int
	require.NoError(t, look.QueryRow(ctx, `SELECT count(*) FROM late`).Scan(&late))
	require.Zero(t, late)
}

// blocked waits until n sessions of the database wait for a lock.
func blocked(t *testing.T, look *pgx.Conn, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		var got int
		err := look.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE wait_event_type = 'Lock' AND datname = current_database()`).Scan(&got)
		return err == nil && got == n
	}, 5*time.Second, 2*time.Millisecond)
}
