package history

import (
	"slices"
	"strings"
)

// JobPrefix begins the subject of every job that a load submits.
const JobPrefix = "job/"

// JobOf is the job that a subject belongs to: "job/7" of "job/7/step-2", and so of a
// job that was planted to fail. It is false where the subject is of no job that a
// client submits.
func JobOf(subject string) (job string, ok bool) {
	for _, prefix := range []string{JobPrefix, PoisonPrefix} {
		if name, ok := strings.CutPrefix(subject, prefix); ok {
			name, _, _ = strings.Cut(name, "/")
			return subject[:len(prefix)+len(name)], true
		}
	}
	return "", false
}

// Leases tells leases from leaderships: effects carry the name and the term of
// either. A lease is held for one job and over with it, so that nobody owes it
// another holder. A leadership lasts.
//
// Where a system has named its leaderships, everything else is a lease. Else a
// lease is what all that was done under it was done for one and the same job.
type Leases struct {
	Leaderships []string // as the system has named them; may be empty

	jobs map[string]string // of each: the job it was used for; empty once there was anything else
}

// Observe takes note of an effect or a call.
func (l *Leases) Observe(effect *Effect) {
	if effect.Leadership == "" || len(l.Leaderships) > 0 {
		return
	}
	known, met := l.jobs[effect.Leadership]
	if met && known == "" {
		return
	}
	job, _ := JobOf(effect.Subject)
	if met && job != known {
		job = ""
	}
	if l.jobs == nil {
		l.jobs = map[string]string{}
	}
	if !met || job == "" {
		l.jobs[effect.Leadership] = job
	}
}

// Is says whether that is a lease, as far as anybody can know by now.
func (l *Leases) Is(leadership string) bool {
	if len(l.Leaderships) > 0 {
		return !slices.Contains(l.Leaderships, leadership)
	}
	return l.jobs[leadership] != ""
}
