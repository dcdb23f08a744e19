package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

const (
	// readDeadline bounds all questions of one step together. What has no answer
	// then has none.
	readDeadline = 20 * time.Second
	// eachDeadline bounds the questions about one job.
	eachDeadline = 2 * time.Second
	// maxReads is how many jobs are asked about at a time.
	maxReads = 8
	// lateRecord is for how long, from the first question on, a job may still be
	// told open: what the system writes down after the last effects may take a moment
	// longer than these.
	lateRecord = time.Second
)

// errCannotRead says that there is nobody to ask.
var errCannotRead = errors.New("the system cannot be asked what became of a job")

// ReadJobs asks the system what became of the jobs that it has acknowledged: of all,
// or of so many that the seed draws. Each is asked about at one replica, the
// replicas in turn, and at the next one on an error. What cannot be known is for the
// gates to say: no answer is an event, and no error.
func (d *Drill) ReadJobs(ctx context.Context, sample int) error {
	jobs := d.view.taken()
	draw := d.Stream("read jobs")
	draw.Shuffle(len(jobs), func(i, j int) { jobs[i], jobs[j] = jobs[j], jobs[i] })
	jobs = jobs[:min(sample, len(jobs))]
	c, err := d.openClient(ctx, "reader", 0)
	if err != nil {
		return errors.Join(err, c.close())
	}
	readers := c.readers()
	if readers == nil {
		c.noteRead("", history.Read{}, errCannotRead)
		return c.close()
	}
	asking, cancel := context.WithTimeout(ctx, readDeadline)
	defer cancel()
	late := d.Now() + lateRecord
	var all errgroup.Group
	all.SetLimit(maxReads)
	for i, job := range jobs {
		all.Go(func() error {
			return survive(func() error {
				c.read(asking, readers, i, job, late)
				return nil
			})
		})
	}
	return errors.Join(all.Wait(), ctx.Err(), c.close())
}

// readers are the connections as what can be asked; nil where they cannot.
func (c *client) readers() (all []drills.Reader) {
	for _, conn := range c.conns {
		r, ok := conn.(drills.Reader)
		if !ok {
			return nil
		}
		all = append(all, r)
	}
	return all
}

// read asks about one job until a replica has told, or its time is over. One that is
// told open is asked about again until it is late.
func (c *client) read(ctx context.Context, readers []drills.Reader, at int, job taken, late time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, eachDeadline)
	defer cancel()
	detail, rest := history.Read{Subject: job.subject}, shortestRest
	for {
		at %= len(readers)
		detail.Attempts++
		detail.Replica = c.replicas[at]
		state, err := c.askState(ctx, readers[at], job)
		switch {
		case err != nil:
			at++
		case state == drills.JobOpen && c.log.Now() < late:
			err = errors.New("it was told open, and there was no time to ask again")
		default:
			detail.State = string(state)
			c.noteRead(job.key, detail, nil)
			return
		}
		if Pause(ctx, rand.N(rest)) != nil {
			c.noteRead(job.key, detail, fmt.Errorf("gave up after %d attempts: %w", detail.Attempts, err))
			return
		}
		rest = min(2*rest, longestRest)
	}
}

// askState asks one replica. What is no state is no answer.
func (c *client) askState(ctx context.Context, r drills.Reader, job taken) (drills.JobState, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	state, err := r.Read(ctx, job.key, job.subject)
	if err != nil {
		return "", c.own("ask a replica", err)
	}
	switch state {
	case drills.JobUnknown, drills.JobOpen, drills.JobDone, drills.JobDead:
		return state, nil
	}
	return "", fmt.Errorf("%q is no state of a job", state)
}

func (c *client) noteRead(key string, detail history.Read, err error) {
	e := history.Event{Actor: c.actor, Op: history.OpRead, Phase: history.OK, Key: key, Detail: history.Detail(detail)}
	if err != nil {
		e.Phase, e.Err = history.Info, err.Error()
	}
	c.log.Append(e)
}
