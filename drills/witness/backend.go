package witness

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// backend is one infrastructure service: an endpoint that can be degraded.
type backend struct {
	*endpoint
	name      string
	condition *condition
}

var _ drills.Backend = (*backend)(nil)

// Name implements drills.Backend.
func (b *backend) Name() string { return b.name }

// Degrade implements drills.Backend.
func (b *backend) Degrade(_ context.Context, i drills.Impairment) error {
	switch i.Kind {
	case drills.Failing, drills.Slow, drills.Hanging:
	default:
		return fmt.Errorf("degrade %s: impairment %q: %w", b.name, i.Kind, drills.ErrUnsupported)
	}
	if err := b.condition.become(i); err != nil {
		return fmt.Errorf("degrade %s: %w", b.name, err)
	}
	return nil
}

// Heal implements drills.Backend.
func (b *backend) Heal(context.Context) error { return b.condition.become(drills.Impairment{}) }

// shut lets go of the calls that are held before it closes the endpoint.
func (b *backend) shut(ctx context.Context) error {
	b.condition.close()
	return b.endpoint.shut(ctx)
}

func (b *backend) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/effects", b.calls)
	mux.HandleFunc("GET /healthz", b.pinged)
	return mux
}

// calls takes one call from its arrival to its end.
func (b *backend) calls(rw http.ResponseWriter, r *http.Request) {
	replica, known := b.authorize(rw, r)
	if !known {
		return
	}
	if hasLines(r) {
		reply(rw, http.StatusUnsupportedMediaType, answer{Error: "a backend takes one call at a time: send JSON"})
		return
	}
	body, whole := readBody(rw, r, maxEffect, "one effect")
	if !whole {
		return
	}
	reported, err := decodeEffect(body)
	if err != nil {
		reply(rw, http.StatusBadRequest, answer{Error: err.Error()})
		return
	}
	c, err := b.ledger.begin(replica, &reported)
	if err != nil {
		status, a := told(decision{}, err)
		reply(rw, status, a)
		return
	}
	status, a := b.carryOut(c, rw, r)
	reply(rw, status, a)
}

// carryOut ends a call, as the backend's condition has it.
func (b *backend) carryOut(c *call, rw http.ResponseWriter, r *http.Request) (status int, a answer) {
	if why := b.condition.meet(r.Context(), c.effect.Key, hold(rw), c.hungUp); why != nil {
		if err := c.fail(why); err != nil {
			return told(decision{}, err)
		}
		return http.StatusServiceUnavailable, answer{Error: why.Error()}
	}
	return told(c.finish())
}

// pinged tells its health, which fares like a call with the key that the
// query has.
func (b *backend) pinged(rw http.ResponseWriter, r *http.Request) {
	if why := b.condition.meet(r.Context(), r.URL.Query().Get("key"), hold(rw), func() {}); why != nil {
		reply(rw, http.StatusServiceUnavailable, answer{Error: why.Error()})
		return
	}
	b.health(rw, r)
}

// hold frees a call that is held of its connection's timeouts, which are meant
// for slow senders. That its sender hangs up is still noticed.
func hold(rw http.ResponseWriter) func() error {
	return func() error {
		control := http.NewResponseController(rw)
		return errors.Join(control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{}))
	}
}
