package docker

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/moby/moby/client"

	"github.com/drillrun/drillrun/drills/substrate/docker/image"
)

// Built is an image that was made of what is on this machine.
type Built struct {
	Name string
	Size int64 // in bytes
	Took time.Duration
}

// BuildImages builds what drills need where there is no registry: stores of this
// machine's packages, replicas of a program. It tells of each when it is there.
func BuildImages(ctx context.Context, program string, tell func(Built) error) error {
	engine, err := connect(ctx)
	if err != nil {
		return err
	}
	defer engine.Close()
	for _, build := range []func() (string, error){
		func() (string, error) { return image.BuildPostgres(ctx, engine, postgresImages.repository()) },
		func() (string, error) { return image.BuildRedis(ctx, engine, redisImages.repository()) },
		func() (string, error) { return image.Pack(ctx, engine, program, programs) },
	} {
		built, err := timed(ctx, engine, build)
		if err != nil {
			return err
		}
		if err := tell(built); err != nil {
			return err
		}
	}
	return nil
}

func timed(ctx context.Context, engine *client.Client, build func() (string, error)) (Built, error) {
	begin := time.Now()
	name, err := build()
	if err != nil {
		return Built{}, err
	}
	took := time.Since(begin)
	found, err := engine.ImageInspect(ctx, name)
	if err != nil {
		return Built{}, fmt.Errorf("look at the image %s: %w", name, err)
	}
	return Built{Name: name, Size: found.Size, Took: took}, nil
}

// repository is where our own image of a store is found, whatever its tag.
func (c choice) repository() string {
	name, _, _ := strings.Cut(c.ours, ":")
	return name
}
