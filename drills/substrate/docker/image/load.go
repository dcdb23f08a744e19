package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	// RepositoryLabel is on every image of ours; its value is the repository.
	RepositoryLabel = "io.drillrun.image"
	// latest is the tag of what was asked for last.
	latest = "latest"
	// spared is how long an image that nothing uses is left alone after it was
	// asked for: whoever asked may not have started it yet.
	spared = 10 * time.Minute
)

// Label is what an image carries besides [RepositoryLabel].
type Label struct{ Name, Value string }

// labelled are the labels of an image: those of the caller and our own.
func labelled(repository string, labels []Label) map[string]string {
	all := map[string]string{RepositoryLabel: repository}
	for _, label := range labels {
		all[label.Name] = label.Value
	}
	return all
}

// Present says whether the engine has an image of that name.
func Present(ctx context.Context, c *client.Client, name string) (bool, error) {
	_, err := c.ImageInspect(ctx, name)
	switch {
	case err == nil:
		return true, nil
	case errdefs.IsNotFound(err):
		return false, nil
	}
	return false, fmt.Errorf("look for the image %s: %w", name, err)
}

// build makes an image, tags it, also as the latest, and removes older ones of
// its repository. It returns the name of the image.
func build(ctx context.Context, c *client.Client, repository, tag string, config ocispec.ImageConfig, files *Files) (string, error) {
	name := repository + ":" + tag
	a, err := newArchive(name, config, files)
	if err != nil {
		return "", fmt.Errorf("make the image %s: %w", name, err)
	}
	if err := load(ctx, c, a); err != nil {
		return "", fmt.Errorf("load the image %s: %w", name, err)
	}
	if err := markLatest(ctx, c, repository, tag); err != nil {
		return "", err
	}
	return name, prune(ctx, c, repository, time.Now().Add(-spared))
}

// load hands an image to the engine while it is written.
func load(ctx context.Context, c *client.Client, a *archive) error {
	reader, writer := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := a.write(writer)
		writer.CloseWithError(err) // of nil is the end of the file
		written <- err
	}()
	result, err := c.ImageLoad(ctx, reader, client.ImageLoadWithQuiet(true))
	if err == nil {
		err = errors.Join(outcome(result), result.Close())
	}
	reader.CloseWithError(errors.New("the engine takes no more"))
	if wrote := <-written; err == nil {
		err = wrote
	}
	return err
}

// outcome reads what the engine tells, to the end: that it failed is told there,
// long after it has answered that all is well.
func outcome(r io.Reader) error {
	for messages := json.NewDecoder(r); ; {
		var m jsonstream.Message
		switch err := messages.Decode(&m); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the engine's answer: %w", err)
		case m.Error != nil:
			return m.Error
		}
	}
}

// markLatest gives an image the tag latest, which also notes when it was asked for.
func markLatest(ctx context.Context, c *client.Client, repository, tag string) error {
	_, err := c.ImageTag(ctx, client.ImageTagOptions{Source: repository + ":" + tag, Target: repository + ":" + latest})
	if err != nil {
		return fmt.Errorf("tag the image %s:%s: %w", repository, tag, err)
	}
	return nil
}

// prune removes what we built of a repository, except the latest, what was asked
// for since then, and what is in use.
func prune(ctx context.Context, c *client.Client, repository string, since time.Time) error {
	current, err := c.ImageInspect(ctx, repository+":"+latest)
	if err != nil {
		return fmt.Errorf("look for old images of %s: %w", repository, err)
	}
	found, err := c.ImageList(ctx, client.ImageListOptions{Filters: make(client.Filters).Add("label", RepositoryLabel+"="+repository)})
	if err != nil {
		return fmt.Errorf("look for old images of %s: %w", repository, err)
	}
	for _, old := range found.Items {
		if old.ID == current.ID {
			continue
		}
		if err := remove(ctx, c, old.ID, since); err != nil {
			return fmt.Errorf("remove an old image of %s: %w", repository, err)
		}
	}
	return nil
}

// remove removes an image by each of its names, or by its identifier if it has none.
func remove(ctx context.Context, c *client.Client, id string, since time.Time) error {
	old, err := c.ImageInspect(ctx, id)
	if errdefs.IsNotFound(err) {
		return nil // somebody else was faster
	}
	if err != nil {
		return err
	}
	if old.Metadata.LastTagTime.After(since) {
		return nil
	}
	names := old.RepoTags
	if len(names) == 0 {
		names = []string{id}
	}
	for _, name := range names {
		_, err := c.ImageRemove(ctx, name, client.ImageRemoveOptions{PruneChildren: true})
		// A conflict: a container uses it. The next build tries again.
		if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) {
			return err
		}
	}
	return nil
}
