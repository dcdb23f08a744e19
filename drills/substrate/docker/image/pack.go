package image

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// digits is how much of a program's digest is its tag.
const digits = 12

// Pack makes an image of one program, static or not, and returns its name. The
// program is its entrypoint, /NAME, and runs as nobody. Its tag is the
// beginning of the program's digest: what has been packed already is found
// again. The labels are for what is built.
func Pack(ctx context.Context, c *client.Client, program, repository string, labels ...Label) (string, error) {
	tag, err := digestOf(program)
	if err != nil {
		return "", fmt.Errorf("pack %s: %w", program, err)
	}
	err = markLatest(ctx, c, repository, tag)
	if err == nil {
		return repository + ":" + tag, nil
	}
	if !errdefs.IsNotFound(err) {
		return "", err
	}
	files := NewFiles()
	files.Dir("/tmp", 0o777|fs.ModeSticky, 0)
	path := "/" + filepath.Base(program)
	if err := files.AddClosure(ctx, program); err != nil {
		return "", err
	}
	if err := files.AddAs(program, path); err != nil {
		return "", err
	}
	return build(ctx, c, repository, tag, ocispec.ImageConfig{
		User:       fmt.Sprintf("%d:%d", nobody, nobody),
		WorkingDir: "/",
		Entrypoint: []string{path},
		Labels:     labelled(repository, labels),
	}, files)
}

func digestOf(program string) (string, error) {
	file, err := os.Open(program)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", hash.Sum(nil))[:digits], nil
}
