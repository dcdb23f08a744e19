package defects

import (
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/cron"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/reconciler"
	"github.com/drillrun/drillrun/reference/relay"
)

// write has everything that a leader writes go through db, which is made of
// the pool.
func write(db func(leadership.DB) leadership.DB) func(controlplane.Config, controlplane.Deps, *controlplane.Parts) {
	return func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
		db, limit := db(d.Pool), c.TTL/2
		p.Outbox = relay.NewStore(db, limit)
		p.Lost = reconciler.NewStore(db, limit)
		p.Slots = cron.NewStore(db, c.CronEvery, limit)
	}
}
