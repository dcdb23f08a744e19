package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/drillrun/drillrun/drills"
)

// NewLeader says what is missing for every leadership that the latest fault may have
// taken to have a holder who has acted since. What its victims held, they have lost:
// an effect under a higher term is asked for. A fault of a store may have taken all
// leaderships, or none: an effect after its recovery will do as well.
func (d *Drill) NewLeader() error {
	if len((&target{drill: d}).running()) == 0 {
		return d.nobody()
	}
	return d.guard.newLeader()
}

func (g *Guard) newLeader() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.latest == nil {
		return hopeless(errors.New("no fault has been injected: there is no new leader to wait for"))
	}
	now, hit, ofStore := g.view.Leaders(), false, g.latest.ofStore(g.target.Cluster())
	for _, key := range slices.Sorted(maps.Keys(g.before)) {
		old, current := g.before[key], now[key]
		taken := g.latest.takes(key, old.Replica)
		if !taken && (!ofStore || old.Pace == 0) { // one that acts once and is silent shows nothing
			continue
		}
		hit = true
		switch {
		case current.Term > old.Term:
		case taken:
			return fmt.Errorf("no effect under a term of %q higher than %d, which %s held", key, old.Term, old.Replica)
		case g.latest.healed == 0 || current.At <= g.latest.healed:
			return fmt.Errorf("no effect of a leader of %q since the last fault was recovered, nor under a term higher than %d", key, old.Term)
		}
	}
	if !hit {
		return hopeless(errors.New("the last fault hit no leader: there is no new one to wait for"))
	}
	return nil
}

// takes says whether the fault takes a leadership from its holder.
func (in *injection) takes(key, holder string) bool {
	return slices.Contains(in.undo.Victims, holder) && (in.undo.Leadership == "" || in.undo.Leadership == key)
}

// ofStore says whether the fault breaks a store, on which leaderships may hang.
func (in *injection) ofStore(c drills.Cluster) bool {
	return !in.detail.Mild && slices.ContainsFunc(c.Processes(), func(p drills.Process) bool {
		info := p.Info()
		return info.Role != drills.RoleReplica && slices.Contains(in.undo.Victims, info.Name)
	})
}
