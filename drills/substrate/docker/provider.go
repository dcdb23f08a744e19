package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go/log"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/docker/image"
	"github.com/drillrun/drillrun/drills/substrate/scope"
)

// Labels of everything that is made here.
const (
	labelLock  = "io.drillrun.lock"  // path of the lock file of its run
	labelDrill = "io.drillrun.drill" // random name of its drill
	labelName  = "io.drillrun.name"  // of a process, in its drill
	// labelOrigin says which process made it, and labelSeal that it was one of this
	// user's.
	labelOrigin = "io.drillrun.origin"
	labelSeal   = "io.drillrun.seal"
	// labelProject is on the holder of a project that has been adopted, and says
	// how the project was before.
	labelProject = "io.drillrun.project"
)

// Config says what a provider works with. Its zero value will do.
type Config struct {
	// PostgresImage and RedisImage are the images of the stores. By default they
	// are the official ones, or those built here where these are absent.
	PostgresImage, RedisImage string
}

// Provider gives a fresh substrate to each drill of one run of the harness. It
// is safe for concurrent use.
type Provider struct {
	engine          *client.Client
	postgres, redis string // images
	lock            *os.File
	origin          string // as a label
	key             key
	packing         sync.Mutex
	substrates      scope.Group
}

// Open connects to the engine and sees to the images of the stores. A
// [drills.EnvironmentError] says what is missing.
func Open(ctx context.Context, c Config) (_ *Provider, err error) {
	engine, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	p := &Provider{engine: engine}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if err := canEnter(); err != nil {
		return nil, err
	}
	if err := quiet(ctx, engine); err != nil {
		return nil, err
	}
	if p.postgres, err = postgresImages.choose(ctx, engine, c.PostgresImage); err != nil {
		return nil, err
	}
	if p.redis, err = redisImages.choose(ctx, engine, c.RedisImage); err != nil {
		return nil, err
	}
	return p, p.identify()
}

// identify says who makes what the labels are on.
func (p *Provider) identify() (err error) {
	if p.key, err = ownKey(); err != nil {
		return err
	}
	who, err := here()
	if err != nil {
		return err
	}
	if p.origin, err = who.label(); err != nil {
		return err
	}
	p.lock, err = newLock()
	return err
}

// quiet has testcontainers print nothing, and ask for its reaper only where
// its image is. It reads its settings once, so this comes first.
func quiet(ctx context.Context, engine *client.Client) error {
	log.SetDefault(log.NewNoopLogger())
	// What else it would ask for is the engine's address, as seen from a
	// container in which drillrun itself runs. Ports are published on loopback
	// addresses of the engine's machine, which must be this one.
	settings := map[string]string{"TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1"}
	there, err := image.Present(ctx, engine, reaperImage)
	if err != nil {
		return err
	}
	if !there {
		settings["TESTCONTAINERS_RYUK_DISABLED"] = "true"
	}
	for name, value := range settings {
		if _, set := os.LookupEnv(name); !set {
			if err := os.Setenv(name, value); err != nil {
				return fmt.Errorf("set up testcontainers: %w", err)
			}
		}
	}
	return nil
}

// Options are the settings of one substrate.
type Options struct {
	// Logs is the folder that takes one NAME.log for each process, and is made
	// if need be. By default the logs go with the containers.
	Logs string
}

// New gives a substrate of its own to a drill.
func (p *Provider) New(ctx context.Context, o Options) (drills.Substrate, error) {
	if p.substrates.Closed() {
		return nil, drills.ErrClosed
	}
	s, err := newSubstrate(ctx, p, o.Logs)
	if err != nil {
		return nil, fmt.Errorf("new docker substrate: %w", err)
	}
	if err := p.substrates.Add(ctx, s); err != nil {
		return nil, err
	}
	return s, nil
}

// Close closes the substrates that are left. It is safe to call twice.
func (p *Provider) Close() error {
	first, err := p.substrates.Close(context.Background())
	if !first {
		return nil
	}
	if p.lock != nil {
		if err == nil { // else its lock, which is free, says that its harness has ended
			err = os.Remove(p.lock.Name())
		}
		err = errors.Join(err, p.lock.Close())
	}
	return errors.Join(err, p.engine.Close())
}
