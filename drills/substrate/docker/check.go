package docker

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/moby/client"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/docker/image"
)

// Finding is what the machine offers for one need of the substrate.
type Finding struct {
	Name string
	Have string // what there is, in words; may be empty
	Err  error  // a [drills.EnvironmentError] if that will not do
}

// Check looks for what the substrate needs, and leaves nothing behind. It pulls
// no image.
func Check(ctx context.Context, c Config) []Finding {
	entering := Finding{Name: "namespaces", Have: "containers' network namespaces can be entered", Err: canEnter()}
	engine, err := connect(ctx)
	if err != nil {
		return []Finding{{Name: "docker engine", Err: err}, entering}
	}
	defer engine.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, listing, errSilent)
	defer cancel()
	return []Finding{
		findEngine(ctx, engine),
		entering,
		postgresImages.find(ctx, engine, c.PostgresImage),
		redisImages.find(ctx, engine, c.RedisImage),
		findReaper(ctx, engine),
	}
}

func findEngine(ctx context.Context, engine *client.Client) Finding {
	f := Finding{Name: "docker engine"}
	version, err := engine.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		f.Err = &drills.EnvironmentError{Missing: "a Docker engine", Err: why(ctx, err), Hint: "look at its log"}
		return f
	}
	f.Have = fmt.Sprintf("%s, API %s, spoken: %s", version.Version, version.APIVersion, engine.ClientVersion())
	return f
}

// find says which image of a store would be used.
func (c choice) find(ctx context.Context, engine *client.Client, wanted string) Finding {
	f := Finding{Name: c.store + " image"}
	candidates := []string{c.official, c.ours}
	if wanted != "" {
		candidates = []string{wanted}
	}
	for _, name := range candidates {
		there, err := image.Present(ctx, engine, name)
		if there || err != nil {
			f.Have, f.Err = name, err
			return f
		}
	}
	f.Err = c.missing(candidates[0], wanted == "", errors.New("it is not on this machine"))
	return f
}

// findReaper tells who removes the containers of a harness that was killed.
func findReaper(ctx context.Context, engine *client.Client) Finding {
	f := Finding{Name: "reaper", Have: reaperImage}
	there, err := image.Present(ctx, engine, reaperImage)
	if f.Err = err; !there {
		f.Have = "none: after `kill -9` of drillrun, `drillrun heal` or the next run removes its containers"
	}
	return f
}
