package defects

import (
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/reconciler"
	"github.com/drillrun/drillrun/reference/relay"
	"github.com/drillrun/drillrun/reference/singletons"
	"github.com/drillrun/drillrun/reference/slots"
)

// write has everything that a leader writes go through db, which is made of
// the pool.
func write(db func(leadership.DB) leadership.DB) func(controlplane.Config, controlplane.Deps, *controlplane.Parts) {
	return func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
		db, limit := db(d.Pool), c.TTL/2
		p.Outbox = relay.NewStore(db, limit)
		p.Lost = reconciler.NewStore(db, limit)
		sound := p.Slots
		p.Slots = func(task string) slots.Slots {
			if task == singletons.Cron {
				return slots.NewStore(db, task, c.CronEvery, limit)
			}
			return sound(task)
		}
	}
}
