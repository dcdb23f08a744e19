package defects

import (
	"context"
	"sync"

	"github.com/drillrun/drillrun/reference/api"
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/worker"
)

// readsFromMemory has a replica remember the jobs that it took, until its own
// workers end them. That others end them too, it does not hear.
func readsFromMemory() Defect {
	return Defect{
		Name:        "reads-from-memory",
		Wrong:       "a replica tells of the jobs that it took what it remembers of them",
		Origin:      ownGuard,
		Symptom:     "a job that another replica has done is told to be queued for ever",
		Gate:        "misreported",
		Scenarios:   []string{"told-states"},
		ShowsInCalm: true,
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			m := &memory{jobs: map[string]jobs.Job{}}
			p.Jobs = remembered{p.Jobs, m}
			for _, lane := range p.Lanes {
				lane.Ledger = forgotten{lane.Ledger, m}
			}
		},
	}
}

// memory is what a replica remembers, by key.
type memory struct {
	mu   sync.Mutex
	jobs map[string]jobs.Job
}

func (m *memory) keep(job jobs.Job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.jobs[job.Key] = job
}

func (m *memory) forget(executions ...ledger.Execution) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range executions {
		delete(m.jobs, e.Key)
	}
}

func (m *memory) job(key string) (job jobs.Job, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	job, known = m.jobs[key]
	return job, known
}

// remembered answers from memory where it can.
type remembered struct {
	api.Jobs
	memory *memory
}

func (r remembered) Submit(ctx context.Context, sub jobs.Submission) (job jobs.Job, created bool, err error) {
	job, created, err = r.Jobs.Submit(ctx, sub)
	if err == nil && !job.State.Terminal() {
		r.memory.keep(job)
	}
	return job, created, err
}

func (r remembered) Find(ctx context.Context, key string) (jobs.Job, error) {
	if job, known := r.memory.job(key); known {
		return job, nil
	}
	return r.Jobs.Find(ctx, key)
}

// forgotten forgets the jobs that it ends.
type forgotten struct {
	worker.Ledger
	memory *memory
}

func (l forgotten) Complete(ctx context.Context, executions []ledger.Execution) (map[int64]bool, error) {
	ended, err := l.Ledger.Complete(ctx, executions)
	if err == nil {
		l.memory.forget(executions...)
	}
	return ended, err
}

func (l forgotten) Fail(ctx context.Context, e ledger.Execution, f ledger.Failure) (jobs.State, error) {
	state, err := l.Ledger.Fail(ctx, e, f)
	if err == nil && state.Terminal() {
		l.memory.forget(e)
	}
	return state, err
}
