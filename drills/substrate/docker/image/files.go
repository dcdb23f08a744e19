package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// maxLinks is how many symlinks one path may lead through, as in the kernel.
const maxLinks = 40

// Files are what an image is made of, by absolute path.
type Files struct {
	entries map[string]entry
	newest  time.Time // of the files of this machine
}

// entry is a file, a directory or a symlink. A file has a source on this
// machine, or a text of our own.
type entry struct {
	mode   fs.FileMode
	owner  int
	source string
	text   string
	target string // of a symlink
}

// NewFiles returns an empty set.
func NewFiles() *Files { return &Files{entries: map[string]entry{}} }

// Add adds a file of this machine at its own path, with every symlink on the way.
func (f *Files) Add(path string) error {
	end, err := f.follow(path)
	if err != nil {
		return fmt.Errorf("add %s: %w", path, err)
	}
	return f.AddAs(end, end)
}

// AddAs adds a file of this machine at another path.
func (f *Files) AddAs(source, path string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", source)
	}
	// Whoever may run the image may read it; who may not is no matter of files.
	mode := fs.FileMode(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	f.entries[path] = entry{mode: mode, source: source}
	if info.ModTime().After(f.newest) {
		f.newest = info.ModTime()
	}
	return nil
}

// AddTree adds all files under a directory, except those that skip refuses by
// their name. Of a linked directory the link is added, and not what it holds.
func (f *Files) AddTree(dir string, skip func(name string) bool) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skip(d.Name()):
			return fs.SkipDir
		case d.IsDir() || skip(d.Name()):
			return nil
		}
		end, err := f.follow(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a link to what another package would have brought
		}
		if err != nil {
			return err
		}
		info, err := os.Stat(end)
		if err != nil || info.IsDir() {
			return err
		}
		return f.AddAs(end, end)
	})
}

// Text adds a file of our own.
func (f *Files) Text(path, text string, mode fs.FileMode) {
	f.entries[path] = entry{mode: mode, text: text}
}

// Dir adds a directory. Those that other entries need are there without it.
func (f *Files) Dir(path string, mode fs.FileMode, owner int) {
	f.entries[path] = entry{mode: mode | fs.ModeDir, owner: owner}
}

// Link adds a symlink.
func (f *Files) Link(path, target string) {
	f.entries[path] = entry{mode: fs.ModeSymlink | 0o777, target: target}
}

// follow adds each symlink that a path leads through, and returns where it ends.
func (f *Files) follow(path string) (string, error) {
	at, left := "/", strings.Split(path, "/")
	for links := 0; len(left) > 0; {
		step := left[0]
		left = left[1:]
		here := filepath.Join(at, step) // for "..", too: there is no symlink in at
		info, err := os.Lstat(here)
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = here
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s: too many symlinks", path)
		}
		target, err := os.Readlink(here)
		if err != nil {
			return "", err
		}
		f.Link(here, target)
		left = append(strings.Split(target, "/"), left...)
		if filepath.IsAbs(target) {
			at = "/"
		}
	}
	return at, nil
}
