package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// archive is an image in the form in which engines save and load them.
type archive struct {
	files    *Files
	size     int64  // of the layer
	config   []byte // of the image
	manifest []byte
}

// newArchive reads all files once, for the digest of the layer.
func newArchive(name string, config ocispec.ImageConfig, files *Files) (*archive, error) {
	a := &archive{files: files}
	hash := sha256.New()
	size := counter(0)
	if err := files.writeLayer(io.MultiWriter(hash, &size)); err != nil {
		return nil, err
	}
	a.size = int64(size)
	created := files.newest.UTC()
	var err error
	a.config, err = json.Marshal(ocispec.Image{
		Created:  &created,
		Platform: ocispec.Platform{Architecture: runtime.GOARCH, OS: "linux"},
		Config:   config,
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.NewDigest(digest.SHA256, hash)}},
		History:  []ocispec.History{{Created: &created, CreatedBy: "drillrun"}},
	})
	if err != nil {
		return nil, err
	}
	a.manifest, err = json.Marshal([]map[string]any{{
		"Config": a.configName(), "RepoTags": []string{name}, "Layers": []string{"layer.tar"},
	}})
	return a, err
}

func (a *archive) configName() string { return fmt.Sprintf("%x.json", sha256.Sum256(a.config)) }

// write writes everything, and reads all files once more.
func (a *archive) write(w io.Writer) error {
	t := tar.NewWriter(w)
	for _, part := range []struct {
		name    string
		content []byte
	}{{"manifest.json", a.manifest}, {a.configName(), a.config}} {
		if err := t.WriteHeader(&tar.Header{Name: part.name, Mode: 0o644, Size: int64(len(part.content))}); err != nil {
			return err
		}
		if _, err := t.Write(part.content); err != nil {
			return err
		}
	}
	if err := t.WriteHeader(&tar.Header{Name: "layer.tar", Mode: 0o644, Size: a.size}); err != nil {
		return err
	}
	if err := a.files.writeLayer(t); err != nil {
		return err
	}
	return t.Close()
}

// writeLayer writes the files in the order of their paths, always the same.
func (f *Files) writeLayer(w io.Writer) error {
	entries := f.withParents()
	t := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		if err := entries[name].write(t, name); err != nil {
			return fmt.Errorf("pack %s: %w", name, err)
		}
	}
	return t.Close()
}

// withParents are all entries and the directories that they are in.
func (f *Files) withParents() map[string]entry {
	all := maps.Clone(f.entries)
	for name := range f.entries {
		for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
			if _, known := all[dir]; !known {
				all[dir] = entry{mode: fs.ModeDir | 0o755}
			}
		}
	}
	return all
}

func (e entry) write(t *tar.Writer, name string) error {
	header := &tar.Header{
		Name: strings.TrimPrefix(name, "/"), Mode: int64(e.mode.Perm()), Uid: e.owner, Gid: e.owner,
		ModTime: time.Unix(0, 0), Format: tar.FormatPAX,
	}
	if e.mode&fs.ModeSticky != 0 {
		header.Mode |= 0o1000
	}
	switch {
	case e.mode.IsDir():
		header.Typeflag, header.Name = tar.TypeDir, header.Name+"/"
		return t.WriteHeader(header)
	case e.mode&fs.ModeSymlink != 0:
		header.Typeflag, header.Linkname = tar.TypeSymlink, e.target
		return t.WriteHeader(header)
	}
	content, size, err := e.open()
	if err != nil {
		return err
	}
	defer content.Close()
	header.Typeflag, header.Size = tar.TypeReg, size
	if err := t.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(t, content)
	return err
}

func (e entry) open() (io.ReadCloser, int64, error) {
	if e.source == "" {
		return io.NopCloser(bytes.NewReader([]byte(e.text))), int64(len(e.text)), nil
	}
	file, err := os.Open(e.source)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

// counter counts what is written.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
