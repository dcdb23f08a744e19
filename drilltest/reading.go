package drilltest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/drillrun/drillrun/drills"
)

// reader is a replica's client as what can be asked about jobs.
func (x *exercise) reader(replica string) (drills.Reader, bool) {
	r, ok := x.clients[replica].(drills.Reader)
	return r, ok
}

// tellsOfJobs asks every replica what became of a job that is done, and of one that
// nobody has asked for.
func (x *exercise) tellsOfJobs(t *testing.T) {
	x.requireJobs(t)
	first := x.replicas[0]
	if _, can := x.reader(first); !can {
		t.Skip("its clients are no drills.Reader")
	}
	a := x.job()
	x.take(t, first, a)
	x.awaitEffects(t)
	if err := within(x.settle+patience, func() error { return x.told(t, a.op, drills.JobDone) }); err != nil {
		t.Fatal(misses("a job has had its effect, and %v", "Read returns drills.JobDone once the job is done, at whichever replica; an answer that does not say is an error", err))
	}
	never := drills.Op{Key: "exercise-never", Subject: "job/exercise-never"}
	for _, r := range x.replicas {
		if state, err := x.read(t, r, never); err == nil && state != drills.JobUnknown {
			t.Error(misses("%s says that a job which nobody has submitted is %s", "Read returns drills.JobUnknown where there is no job of that key, or an error where the replica cannot know", r, state))
		}
	}
}

// told wants no replica to say anything else of a job, and one at least to say it.
func (x *exercise) told(t *testing.T, op drills.Op, want drills.JobState) error {
	var silent []error
	for _, r := range x.replicas {
		state, err := x.read(t, r, op)
		switch {
		case err != nil:
			silent = append(silent, fmt.Errorf("%s: %w", r, err))
		case state != want:
			return fmt.Errorf("%s says that it is %q", r, state)
		}
	}
	if len(silent) == len(x.replicas) {
		return fmt.Errorf("no replica says what became of it: %w", errors.Join(silent...))
	}
	return nil
}

// read asks one replica about a job.
func (x *exercise) read(t *testing.T, replica string, op drills.Op) (state drills.JobState, err error) {
	t.Helper()
	r, can := x.reader(replica)
	if !can {
		return "", errors.New("its client is no drills.Reader, and others are")
	}
	err = heeding(t, replica, "Read", func(ctx context.Context) (err error) {
		state, err = r.Read(ctx, op.Key, op.Subject)
		return err
	})
	return state, err
}
