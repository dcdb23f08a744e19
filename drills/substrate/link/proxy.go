package link

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
)

// patience bounds each stop and start of a proxy.
const patience = time.Second

// relisten is the time between tries to listen on an address that is taken.
const relisten = 2 * time.Millisecond

var errStuck = errors.New("the proxy does not answer")

// proxy is one toxiproxy with a lane in each direction.
type proxy struct {
	toxi              *toxiproxy.Proxy
	requests, replies *lane
}

func newProxy(name, listen, upstream string) (*proxy, error) {
	// The registry is toxiproxy's; registering the same toxic again is harmless.
	toxics.Register(laneToxic, new(lane))
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := &proxy{toxi: toxiproxy.NewProxy(server, name, listen, upstream)}
	var err error
	if p.requests, err = p.install("upstream"); err != nil {
		return nil, err
	}
	if p.replies, err = p.install("downstream"); err != nil {
		return nil, err
	}
	both := new(pairs)
	p.requests.pairs, p.replies.pairs = both, both
	return p, nil
}

func (p *proxy) install(direction string) (*lane, error) {
	spec := fmt.Sprintf(`{"name":%q,"type":%q,"stream":%q}`, direction, laneToxic, direction)
	toxic, err := p.toxi.Toxics.AddToxicJson(strings.NewReader(spec))
	if err != nil {
		return nil, fmt.Errorf("install the %s lane: %w", direction, err)
	}
	l, ok := toxic.Toxic.(*lane)
	if !ok {
		return nil, fmt.Errorf("install the %s lane: toxiproxy made a %T", direction, toxic.Toxic)
	}
	return l, nil
}

func (p *proxy) change(f func(*condition)) {
	p.requests.change(f)
	p.replies.change(f)
}

// end closes every connection of the proxy and its listener, for good.
func (p *proxy) end(ctx context.Context) error {
	p.change(func(c *condition) { c.shut = true })
	return p.stop(ctx)
}

func (p *proxy) stop(ctx context.Context) error {
	return bounded(ctx, func() error {
		p.toxi.Stop()
		p.change(func(c *condition) { c.cuts++ })
		return nil
	})
}

func (p *proxy) start(ctx context.Context) error {
	return bounded(ctx, func() error {
		err := p.listen()
		if errors.Is(err, toxiproxy.ErrProxyAlreadyStarted) {
			return nil
		}
		return err
	})
}

// listen tries for a while where the address is taken: a child of this process
// that is between fork and exec holds a copy of every listener just closed.
func (p *proxy) listen() error {
	deadline := time.NewTimer(patience / 2)
	defer deadline.Stop()
	again := time.NewTicker(relisten)
	defer again.Stop()
	for {
		err := p.toxi.Start()
		if !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
		select {
		case <-deadline.C:
			return err
		case <-again.C:
		}
	}
}

// bounded runs f, which cannot be interrupted, and gives up on it when it
// takes too long. f then ends when its peers let it.
func bounded(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errStuck, context.Cause(ctx))
	}
}
