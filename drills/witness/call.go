package witness

import (
	"github.com/drillrun/drillrun/drills/history"
)

// call is one call that a backend has taken. Whoever begins it ends it once, by
// finish or fail: the ledger's close waits for that.
type call struct {
	ledger  *ledger
	number  uint64
	replica string
	effect  *effect
}

// begin records that a call has arrived. After an error there is no call.
func (l *ledger) begin(replica string, e *effect) (*call, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errClosed
	}
	c := &call{ledger: l, number: l.calls + 1, replica: replica, effect: e}
	if err := c.record(history.Invoke, "", ""); err != nil {
		return nil, err
	}
	l.calls++
	l.open.Add(1)
	return c, nil
}

// finish decides about the call and records that. After an error nothing may be
// claimed about it.
func (c *call) finish() (decision, error) {
	defer c.ledger.open.Done()
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	d := c.ledger.decide(c.effect)
	return d, c.record(d.phase(), d.outcome, d.remark)
}

// fail records that the call was not carried out, and why.
func (c *call) fail(why error) error {
	defer c.ledger.open.Done()
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	return c.record(history.Fail, history.Failed, why.Error())
}

// hungUp records that the sender of a call that is held has given it up. Where
// that cannot be written, the end of the call cannot either, and says so.
func (c *call) hungUp() {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	_ = c.record(history.Info, "", errHungUp.Error())
}

// record is called with the ledger's lock held.
func (c *call) record(phase history.Phase, outcome history.Outcome, remark string) error {
	detail := c.effect.detail(c.replica)
	detail.Call, detail.Outcome = c.number, outcome
	return c.ledger.append(phase, c.effect.Key, history.EffectDetail(detail), remark)
}
