package engine

import (
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

// watchTroubles has written down what links failed to do for want of the harness's
// own resources. The system meets that as if something were broken.
func (d *Drill) watchTroubles() {
	for _, l := range d.cfg.Cluster.Links() {
		if troubled, ok := l.(drills.Troubled); ok {
			from, to := l.Ends()
			troubled.OnTrouble(func(what string, err error) { d.trouble("link/"+from+"->"+to, what, err) })
		}
	}
}

// trouble writes down what somebody failed to do: the first of a kind, and then
// each that has doubled their number.
func (d *Drill) trouble(actor, what string, err error) {
	count, tell := d.troubles.Add(actor + " " + what)
	if !tell {
		return
	}
	d.cfg.Log.Append(history.Event{
		Actor: actor, Op: history.OpTrouble, Phase: history.Info, Err: err.Error(),
		Detail: history.Detail(history.Trouble{What: what, Count: count}),
	})
}

// own writes an error down as trouble where it is for want of the harness's own
// resources, and returns it.
func (d *Drill) own(what string, err error) error {
	if drills.Short(err) {
		d.trouble(harness, what, err)
	}
	return err
}
