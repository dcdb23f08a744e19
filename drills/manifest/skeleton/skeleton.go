// Package skeleton holds what a system of one's own begins with: a manifest, a
// first scenario, and a small program that both are written for, to be replaced.
// The program needs Python's standard library and nothing else.
//
// Invariant: nothing that is there already is touched. Where not everything could
// be written, nothing is left.
package skeleton

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"text/template"
)

// The files of a skeleton that commands name.
const (
	Manifest = "system.yaml"
	Scenario = "first.txtar"
)

//go:embed files
var files embed.FS

// name is what can be the name of a system and of a folder, on the command line
// without quotes.
var name = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)

// CheckName says what is wrong with the name of a system.
func CheckName(system string) error {
	if !name.MatchString(system) {
		return fmt.Errorf("%q is no name for a system: want up to 40 small letters, digits, - and _, with a letter first, such as ledger", system)
	}
	return nil
}

// Write makes a folder of the system's name in dir, and returns the paths of the
// files in it, sorted.
func Write(dir, system string) (written []string, err error) {
	if err := CheckName(system); err != nil {
		return nil, err
	}
	folder := filepath.Join(dir, system)
	err = os.Mkdir(folder, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s exists already, and nothing is overwritten: choose another name, or another folder with --dir", folder)
	}
	if err != nil {
		return nil, fmt.Errorf("make a folder for the system: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(folder))
		}
	}()
	templates, err := template.ParseFS(files, "files/*")
	if err != nil {
		return nil, fmt.Errorf("read the skeleton: %w", err)
	}
	for _, t := range templates.Templates() {
		path := filepath.Join(folder, t.Name())
		if err := fill(path, t, system); err != nil {
			return nil, fmt.Errorf("write %s: %w", path, err)
		}
		written = append(written, path)
	}
	slices.Sort(written)
	return written, nil
}

// fill writes one file.
func fill(path string, t *template.Template, system string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(t.Execute(file, system), file.Close())
}
