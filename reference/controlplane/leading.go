package controlplane

import (
	"hash/fnv"
	"time"

	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/reconciler"
	"github.com/drillrun/drillrun/reference/relay"
	"github.com/drillrun/drillrun/reference/singletons"
)

// ControlKey is the leadership of what moves jobs and, unless they are spread,
// of all singletons.
const ControlKey = "control"

// led is what runs under each leadership. A new holder announces itself first.
func led(c Config, d Deps, p *Parts) map[string][]leadership.Singleton {
	announcer := effects.Announcer{Reporter: p.Reporter}
	keys := map[string][]leadership.Singleton{ControlKey: {
		announcer,
		&relay.Relay{Outbox: p.Outbox, Publisher: p.Queue, Woken: d.Woken, Metrics: d.Metrics, Log: d.Log},
		&reconciler.Reconciler{
			Queue: p.Queue, Jobs: p.Lost, Every: c.Sweep, Quiet: c.quiet(), Metrics: d.Metrics, Log: d.Log,
		},
	}}
	for _, s := range singletons.All(singletons.Config{
		DB: d.Lead, Slots: p.Slots, Reporter: p.Reporter, Backends: p.Backends,
		Limit: c.limit(), Metrics: d.Metrics, Log: d.Log,
	}) {
		if c.Leadership == Spread {
			keys[s.Name()] = []leadership.Singleton{announcer, s}
		} else {
			keys[ControlKey] = append(keys[ControlKey], s)
		}
	}
	return keys
}

// every is the interval of a singleton's slots.
func (c Config) every(task string) time.Duration {
	if task == singletons.Cron {
		return c.CronEvery
	}
	return c.SingletonEvery
}

// delay has replicas that start together queue for each key in another order,
// so that leaderships are spread from the beginning on: by up to ttl/8, and the
// same for a replica and key each time.
func (c Config) delay(key string) time.Duration {
	if c.Leadership != Spread {
		return 0
	}
	h := fnv.New32a()
	h.Write([]byte(c.Replica + "/" + key)) // never fails, by its documentation
	return time.Duration(h.Sum32()%1000) * c.TTL / 8 / 1000
}
