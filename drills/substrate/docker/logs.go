package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// lastWords is how much of a log goes into an error, in bytes.
const lastWords = 2 << 10

// Logs are what earlier containers of it said, and what the present one has said
// so far, across its restarts.
func (c *container) Logs(ctx context.Context) (io.ReadCloser, error) {
	c.changing.Lock()
	defer c.changing.Unlock()
	all, err := c.said(ctx)
	if err != nil {
		return nil, fmt.Errorf("logs of %s: %w", c.spec.name, err)
	}
	return io.NopCloser(bytes.NewReader(all)), nil
}

func (c *container) said(ctx context.Context) ([]byte, error) {
	earlier, err := os.ReadFile(c.substrate.log(c.spec.name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	now, err := c.sayings(ctx)
	return append(earlier, now...), err
}

// sayings is what the present container has printed.
func (c *container) sayings(ctx context.Context) (_ []byte, err error) {
	if c.id == "" {
		return nil, nil
	}
	options := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true}
	if !c.spec.since.IsZero() {
		options.Since = c.spec.since.Format(time.RFC3339Nano)
	}
	stream, err := c.engine().ContainerLogs(ctx, c.id, options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stream.Close()) }()
	var all bytes.Buffer
	if c.spec.tty { // it has one stream
		_, err = io.Copy(&all, stream)
		return all.Bytes(), err
	}
	_, err = stdcopy.StdCopy(&all, &all, stream)
	return all.Bytes(), err
}

// collect keeps what a container said that is about to be removed.
func (c *container) collect(ctx context.Context) error {
	said, err := c.sayings(ctx)
	if errdefs.IsNotFound(err) {
		return nil // it has gone with the container, which somebody else has removed
	}
	if err != nil {
		return fmt.Errorf("collect the log of %s: %w", c.spec.name, err)
	}
	f, err := os.OpenFile(c.substrate.log(c.spec.name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(said)
	return errors.Join(err, f.Close())
}

// withLastWords adds the end of its log to an error.
func (c *container) withLastWords(ctx context.Context, err error) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	said, logErr := c.said(ctx)
	if len(said) > lastWords {
		said = said[len(said)-lastWords:]
	}
	return errors.Join(fmt.Errorf("%w; its last words:\n%s", err, strings.TrimSpace(string(said))), logErr)
}
