package defects

import (
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/singletons"
	"github.com/drillrun/drillrun/reference/worker"
)

// cronBy has the leader's cron replaced by what of makes of it.
func cronBy(of func(leadership.Singleton) leadership.Singleton) func(controlplane.Config, controlplane.Deps, *controlplane.Parts) {
	return func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
		sound := p.Singletons
		p.Singletons = func(p *controlplane.Parts) map[string][]leadership.Singleton {
			all := sound(p)
			for _, led := range all {
				for i, s := range led {
					if s.Name() == singletons.Cron {
						led[i] = of(s)
					}
				}
			}
			return all
		}
	}
}

// ledReportBy has what leaders report go through what of makes of the reporter.
func ledReportBy(of func(effects.Reporter) effects.Reporter) func(controlplane.Config, controlplane.Deps, *controlplane.Parts) {
	return func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
		sound := p.Singletons
		p.Singletons = func(p *controlplane.Parts) map[string][]leadership.Singleton {
			other := *p
			other.Reporter = of(p.Reporter)
			return sound(&other)
		}
	}
}

// jobsReportBy has what jobs report go through what of makes of the reporter.
func jobsReportBy(of func(effects.Reporter) effects.Reporter) func(controlplane.Config, controlplane.Deps, *controlplane.Parts) {
	return func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
		sound := p.Kinds
		p.Kinds = func(p *controlplane.Parts) map[string]worker.Handler {
			other := *p
			other.Reporter = of(p.Reporter)
			return sound(&other)
		}
	}
}
