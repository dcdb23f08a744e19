package image

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
)

// loaderCache tells the loader of libraries outside of its own folders.
const loaderCache = "/etc/ld.so.cache"

// AddProgram adds a program of this machine at its own path, and what it needs
// to be loaded.
func (f *Files) AddProgram(ctx context.Context, path string) error {
	if err := f.Add(path); err != nil {
		return err
	}
	return f.AddClosure(ctx, path)
}

// AddClosure adds what a program needs to be loaded: its interpreter and all
// libraries, at the paths they have here. A static program needs nothing.
func (f *Files) AddClosure(ctx context.Context, program string) error {
	loader, err := interpreter(program)
	if err != nil || loader == "" {
		return err
	}
	if err := f.Add(loader); err != nil {
		return err
	}
	if err := f.Add(loaderCache); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // not every loader has a cache
	}
	return f.addLibraries(ctx, loader, program)
}

// AddModules adds libraries that a program opens by itself, with what they need.
func (f *Files) AddModules(ctx context.Context, program string, modules []string) error {
	loader, err := interpreter(program)
	if err != nil {
		return err
	}
	if loader == "" {
		return fmt.Errorf("%s is static: it opens no modules", program)
	}
	for _, module := range modules {
		if err := f.Add(module); err != nil {
			return err
		}
		if err := f.addLibraries(ctx, loader, module); err != nil {
			return err
		}
	}
	return nil
}

func (f *Files) addLibraries(ctx context.Context, loader, path string) error {
	libraries, err := needed(ctx, loader, path)
	if err != nil {
		return err
	}
	for _, library := range libraries {
		if err := f.Add(library); err != nil {
			return err
		}
	}
	return nil
}

// interpreter is the dynamic loader that a program names, empty for a static one.
func interpreter(program string) (string, error) {
	file, err := elf.Open(program)
	if err != nil {
		return "", fmt.Errorf("%s is no program that can be packed: %w", program, err)
	}
	defer file.Close()
	for _, segment := range file.Progs {
		if segment.Type != elf.PT_INTERP {
			continue
		}
		name, err := io.ReadAll(segment.Open())
		if err != nil {
			return "", fmt.Errorf("read the interpreter of %s: %w", program, err)
		}
		return string(bytes.TrimRight(name, "\x00")), nil
	}
	return "", nil
}

// needed asks the loader itself which libraries it would load: it alone knows
// all of its rules. Nothing of the program is run.
func needed(ctx context.Context, loader, path string) ([]string, error) {
	cmd := exec.CommandContext(ctx, loader, "--list", path)
	cmd.Env = []string{} // LD_PRELOAD and the like are the user's, not the image's
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
		}
		return nil, fmt.Errorf("ask for the libraries of %s: %w", path, err)
	}
	var libraries []string
	for line := range strings.Lines(string(out)) {
		// "NAME => PATH (ADDRESS)", or "PATH (ADDRESS)" for one named by its
		// path, or "NAME (ADDRESS)" for what the kernel brings.
		name, found, arrow := strings.Cut(strings.TrimSpace(line), " => ")
		if !arrow {
			found = name
		}
		if found == "not found" {
			return nil, fmt.Errorf("%s needs %s, which this machine does not have", path, name)
		}
		found, _, _ = strings.Cut(found, " (")
		if filepath.IsAbs(found) {
			libraries = append(libraries, found)
		}
	}
	return libraries, nil
}
