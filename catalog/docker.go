package catalog

import (
	"context"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/docker"
)

// Docker is the substrate of containers.
func Docker() SubstrateEntry {
	return SubstrateEntry{
		Summary:   "containers on a private network for each drill, or those of a compose project; links by the harness, packets that can be lost; needs an engine and root",
		HasImages: true,
		Open: func(ctx context.Context, images Images) (Provider, error) {
			p, err := docker.Open(ctx, docker.Config{PostgresImage: images.Postgres, RedisImage: images.Redis})
			if err != nil {
				return nil, err
			}
			return dockerProvider{p}, nil
		},
		Check: func(ctx context.Context) (needs []Need) {
			for _, f := range docker.Check(ctx, docker.Config{}) {
				needs = append(needs, Need{Name: f.Name, Have: f.Have, Err: f.Err})
			}
			return needs
		},
		Heal: docker.Heal,
	}
}

type dockerProvider struct{ *docker.Provider }

func (p dockerProvider) New(ctx context.Context, logs string) (drills.Substrate, error) {
	return p.Provider.New(ctx, docker.Options{Logs: logs})
}
