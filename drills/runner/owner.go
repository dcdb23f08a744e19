package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// Owner is the user for whom another runs drills: whoever called sudo. It is
// nobody where root runs them for itself.
func Owner() (uid, gid int, found bool) {
	uid, err := strconv.Atoi(os.Getenv("SUDO_UID"))
	gid, wrong := strconv.Atoi(os.Getenv("SUDO_GID"))
	return uid, gid, err == nil && wrong == nil && os.Geteuid() == 0 && uid > 0 && gid >= 0
}

// HandOver makes a folder, and all in it, that of the [Owner]: what sudo leaves is
// root's alone, and whoever called it could not even read what it shows. A link
// leads nowhere.
func (f Folder) HandOver() error {
	uid, gid, found := Owner()
	if !found {
		return nil
	}
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return fmt.Errorf("hand over %s: %w", f, err)
	}
	defer root.Close() // nothing is written
	err = fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return root.Lchown(path, uid, gid)
	})
	if err != nil {
		return fmt.Errorf("hand over %s: %w", f, err)
	}
	return nil
}

// makeAll makes a folder with those above it; the new ones are the [Owner]'s.
func makeAll(path string) error {
	var made []string
	for dir := filepath.Clean(path); ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(made, dir)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	uid, gid, found := Owner()
	for _, dir := range made {
		if !found {
			break
		}
		if err := os.Lchown(dir, uid, gid); err != nil {
			return err
		}
	}
	return nil
}
