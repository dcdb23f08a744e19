package image

import (
	"context"
	_ "embed" // the entrypoint
	"fmt"

	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

//go:embed redis.sh
var redisScript string

const redisData = "/data"

// BuildRedis makes an image of this machine's Redis, tagged with its version,
// and returns its name.
func BuildRedis(ctx context.Context, c *client.Client, repository string, labels ...Label) (string, error) {
	redis, err := findStore(ctx, "redis-server")
	if err != nil {
		return "", err
	}
	files, err := newStoreFiles(ctx, "redis", redisScript)
	if err != nil {
		return "", err
	}
	if err := files.addBeside(ctx, redis.Path, "redis-server", "redis-cli"); err != nil {
		return "", fmt.Errorf("find the files of Redis: %w", err)
	}
	files.Dir(redisData, 0o755, storeUser)
	return build(ctx, c, repository, redis.Version, ocispec.ImageConfig{
		Env:          []string{"PATH=/usr/local/bin:/usr/bin:/bin"},
		Entrypoint:   []string{entrypoint},
		Cmd:          []string{"redis-server"},
		ExposedPorts: map[string]struct{}{"6379/tcp": {}},
		Volumes:      map[string]struct{}{redisData: {}},
		WorkingDir:   redisData,
		Labels:       labelled(repository, labels),
	}, files)
}
