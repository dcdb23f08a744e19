package defects

import (
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/cron"
	"github.com/drillrun/drillrun/reference/leadership"
)

// cronBy has the leader's cron replaced by what of makes of it.
func cronBy(of func(*cron.Cron) leadership.Singleton) func(controlplane.Config, controlplane.Deps, *controlplane.Parts) {
	return func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
		sound := p.Singletons
		p.Singletons = func(p *controlplane.Parts) map[string][]leadership.Singleton {
			all := sound(p)
			for _, singletons := range all {
				for i, s := range singletons {
					if c, ok := s.(*cron.Cron); ok {
						singletons[i] = of(c)
					}
				}
			}
			return all
		}
	}
}
