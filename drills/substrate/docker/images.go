package docker

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/moby/client"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/docker/image"
)

// reaperImage is that of the version of testcontainers in use.
const reaperImage = "testcontainers/ryuk:0.14.0"

// programs is the repository of the images into which programs are packed.
const programs = "drillrun/controlplane"

// choice are the images of a store, of which one will do.
type choice struct {
	store    string
	official string
	ours     string // built from this machine's own packages
}

var (
	postgresImages = choice{store: "postgres", official: "postgres:17-alpine", ours: "drillrun/postgres:latest"}
	redisImages    = choice{store: "redis", official: "redis:7-alpine", ours: "drillrun/redis:latest"}
)

// choose gives the image that was asked for; or the official one, or ours, if
// it is there. What is not there is asked of the registry, if one is reached.
func (c choice) choose(ctx context.Context, engine *client.Client, wanted string) (string, error) {
	candidates := []string{wanted}
	if wanted == "" {
		candidates = []string{c.official, c.ours}
	}
	for _, name := range candidates {
		there, err := image.Present(ctx, engine, name)
		if there || err != nil {
			return name, err
		}
	}
	name := candidates[0]
	err := pull(ctx, engine, name)
	if err == nil {
		return name, nil
	}
	return "", c.missing(name, wanted == "", err)
}

// missing says what brings an image.
func (c choice) missing(name string, ours bool, err error) error {
	hint := fmt.Sprintf("`docker pull %s`", name)
	if ours {
		hint += fmt.Sprintf(", or `make images`, which builds %s from this machine's packages", c.ours)
	}
	return &drills.EnvironmentError{Missing: fmt.Sprintf("an image for %s (%s)", c.store, name), Hint: hint, Err: err}
}

func pull(ctx context.Context, engine *client.Client, name string) error {
	progress, err := engine.ImagePull(ctx, name, client.ImagePullOptions{})
	if err != nil {
		return err
	}
	return errors.Join(progress.Wait(ctx), progress.Close())
}

// pack makes an image of a program, of which replicas that start together want
// the same.
func (p *Provider) pack(ctx context.Context, program string) (name string, err error) {
	p.packing.Lock()
	defer p.packing.Unlock()
	return image.Pack(ctx, p.engine, program, programs)
}
