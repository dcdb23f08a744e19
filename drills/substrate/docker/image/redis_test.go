package image_test

import (
	"context"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/substrate/docker/enginetest"
	"github.com/drillrun/drillrun/drills/substrate/docker/image"
)

func newRedis(t *testing.T, c *client.Client, config container.Config) *box {
	t.Helper()
	var err error
	config.Image, err = image.BuildRedis(t.Context(), c, repository(t, c), label(t))
	require.NoError(t, err)
	config.ExposedPorts = network.PortSet{network.MustParsePort("6379/tcp"): {}}
	return newBox(t, c, config)
}

// dialRedis returns a client as soon as the server answers it.
func dialRedis(b *box, password string) *redis.Client {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), ready)
	defer cancel()
	r := redisAt(b, password)
	for {
		err := r.Ping(ctx).Err()
		if err == nil {
			return r
		}
		select {
		case <-time.After(knock):
		case <-ctx.Done():
			require.NoError(b.t, err, b.logs())
		}
	}
}

func redisAt(b *box, password string) *redis.Client {
	b.t.Helper()
	r := redis.NewClient(&redis.Options{Addr: b.addr("6379/tcp"), Password: password, MaxRetries: -1})
	b.t.Cleanup(func() { require.NoError(b.t, r.Close()) })
	return r
}

func TestRedisKeepsItsDataWhenItIsKilled(t *testing.T) {
	c := enginetest.Engine(t)
	b := newRedis(t, c, container.Config{Cmd: []string{"--requirepass", "secret", "--appendonly", "yes"}})
	b.start()
	r := dialRedis(b, "secret")
	require.NoError(t, r.Set(t.Context(), "kept", "this", 0).Err())
	require.ErrorContains(t, redisAt(b, "wrong").Ping(t.Context()).Err(), "WRONGPASS")
	require.ErrorContains(t, redisAt(b, "").Ping(t.Context()).Err(), "NOAUTH")
	b.kill()
	b.start()
	kept, err := dialRedis(b, "secret").Get(t.Context(), "kept").Result()
	require.NoError(t, err)
	require.Equal(t, "this", kept)
}

// As the official image, which is built without protected mode.
func TestRedisWithoutAPasswordLetsEverybodyIn(t *testing.T) {
	c := enginetest.Engine(t)
	b := newRedis(t, c, container.Config{})
	b.start()
	r := dialRedis(b, "")
	require.Equal(t, map[string]string{"dir": "/data"}, r.ConfigGet(t.Context(), "dir").Val())
}

func TestRedisTakesAConfigurationFile(t *testing.T) {
	c := enginetest.Engine(t)
	b := newRedis(t, c, container.Config{Cmd: []string{"/own.conf"}})
	b.put("own.conf", "bind *\nrequirepass secret\nprotected-mode yes\n")
	b.start()
	r := dialRedis(b, "secret")
	require.Equal(t, map[string]string{"protected-mode": "yes"}, r.ConfigGet(t.Context(), "protected-mode").Val())
}

func TestRedisRunsOtherCommandsAsTheyAre(t *testing.T) {
	c := enginetest.Engine(t)
	b := newRedis(t, c, container.Config{Cmd: []string{"sh", "-c", "id -u; redis-cli --version"}})
	b.start()
	require.Zero(t, b.wait())
	require.Regexp(t, `^0\nredis-cli \d`, b.logs())
	b = newRedis(t, c, container.Config{Entrypoint: []string{"sleep"}, Cmd: []string{"infinity"}})
	b.start()
	b.kill()
}
