package verbs

import (
	"context"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
)

const (
	defaultRate    = 100
	maxRate        = 20_000
	defaultClients = 6
	maxClients     = 256
	maxKeys        = 10_000
	maxLoad        = drills.MaxDuration
)

// Load submits jobs at a rate.
func Load() engine.Verb {
	return engine.Verb{
		VerbSpec: drills.VerbSpec{
			Name:       "load",
			Usage:      "load jobs [rate=N/s] [clients=N] [kind=NAME] [work=DURATION|FROM..TO] [keys=N] [poison=N%] [for=DURATION] [&]",
			Summary:    "submit jobs at a given rate, whatever the system answers",
			Doc:        "An open loop: the schedule never waits for an answer, and latency counts from the moment the schedule intended. Each client retries the next replica with the same idempotency key. kind= is the kind of the jobs, where not the system's default; one that the system does not know is refused before anything starts. work= is how long a job works before its effect. keys= gives each job one of so many concurrency keys, drawn from the seed: jobs of one key must not be at work at once. All loads draw from key-1, key-2 and so on, and whether a system heeds them is its to promise. poison= is the share of jobs that nobody can do (they ask for a negative time to work, and with kind= perhaps for a kind that nobody knows): the gates want each of them among the dead letters, and no effect of it. Ends at \"stop load\", at \"drain\", or after for=; without for= it has to be in the background.",
			Background: true,
			Check: func(a drills.Args) error {
				_, _, err := workload(a)
				return err
			},
			Aims: func(a drills.Args) []drills.Aim {
				if kind, ok := a.Options["kind"]; ok && a.Options["poison"] != "100%" {
					return []drills.Aim{{Kind: drills.AimKindOfJob, Name: kind}}
				}
				return nil // nobody can do any of them, perhaps because nobody knows their kind
			},
			Lasts: func(a drills.Args) time.Duration {
				limit, _ := drills.HeldFor(a)
				return limit
			},
			Endless: func(a drills.Args) bool {
				_, ends := a.Options["for"]
				return !ends
			},
		},
		Begin: func(ctx context.Context, d *engine.Drill, step drills.Step) (func(context.Context) error, error) {
			w, limit, err := workload(step.Args)
			if err != nil {
				return nil, err
			}
			w.Line = step.Line
			return d.BeginLoad(ctx, w, limit)
		},
	}
}

func workload(a drills.Args) (w engine.Workload, limit time.Duration, err error) {
	if err = a.Takes(1, 1, "rate", "clients", "kind", "work", "keys", "poison", "for"); err != nil {
		return w, 0, err
	}
	if w.Name = a.Words[0]; w.Name != "jobs" {
		return w, 0, fmt.Errorf("unknown load %q: write \"load jobs\"", w.Name)
	}
	if w.Rate, err = a.Rate("rate", defaultRate, maxRate); err != nil {
		return w, 0, err
	}
	if w.Clients, err = a.Count("clients", defaultClients, maxClients); err != nil {
		return w, 0, err
	}
	if text, ok := a.Options["work"]; ok {
		if w.Work, err = drills.ParseSpan(text); err != nil {
			return w, 0, fmt.Errorf("work=%s: %w", text, err)
		}
	}
	if w.Keys, err = a.Count("keys", 0, maxKeys); err != nil {
		return w, 0, err
	}
	if w.Poison, err = a.Share("poison", 0); err != nil {
		return w, 0, err
	}
	w.Kind = a.Options["kind"]
	limit, err = a.Duration("for", maxLoad)
	return w, limit, err
}
