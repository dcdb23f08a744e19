package image

import (
	"context"
	_ "embed" // the entrypoint
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/drillrun/drillrun/drills"
)

//go:embed postgres.sh
var postgresScript string

const (
	postgresData = "/var/lib/postgresql/data"
	// zoneinfo is there if Postgres uses the time zones of the system.
	zoneinfo = "/usr/share/zoneinfo"
)

// BuildPostgres makes an image of this machine's Postgres, tagged with its major
// version, and returns its name.
func BuildPostgres(ctx context.Context, c *client.Client, repository string, labels ...Label) (string, error) {
	postgres, err := findStore(ctx, "postgres")
	if err != nil {
		return "", err
	}
	files, err := newStoreFiles(ctx, "postgres", postgresScript)
	if err != nil {
		return "", err
	}
	if err := files.addPostgres(ctx, postgres.Path); err != nil {
		return "", fmt.Errorf("find the files of Postgres: %w", err)
	}
	files.Dir(postgresData, 0o700, storeUser)
	// The folder of the socket, in Debian; elsewhere it is /tmp.
	files.Dir("/run/postgresql", 0o777|fs.ModeSticky, storeUser)
	files.Link("/var/run", "/run")
	major, _, _ := strings.Cut(postgres.Version, ".")
	return build(ctx, c, repository, major, ocispec.ImageConfig{
		Env:          []string{"PATH=" + filepath.Dir(postgres.Path) + ":/usr/local/bin:/usr/bin:/bin", "PGDATA=" + postgresData},
		Entrypoint:   []string{entrypoint},
		Cmd:          []string{"postgres"},
		ExposedPorts: map[string]struct{}{"5432/tcp": {}},
		Volumes:      map[string]struct{}{postgresData: {}},
		StopSignal:   "SIGINT", // a fast shutdown: sessions are ended, data written
		Labels:       labelled(repository, labels),
	}, files)
}

// addPostgres adds the server, what it opens by itself, and its clients.
func (f *Files) addPostgres(ctx context.Context, server string) error {
	if err := f.addBeside(ctx, server, "postgres", "initdb", "psql", "pg_isready"); err != nil {
		return err
	}
	share, err := installed(ctx, server, "--sharedir")
	if err != nil {
		return err
	}
	if err := f.AddTree(share, func(name string) bool { return name == "man" }); err != nil {
		return err
	}
	zones := func(string) bool { return false }
	if err := f.AddTree(zoneinfo, zones); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // Postgres has zones of its own where the system has none
	}
	modules, err := installed(ctx, server, "--pkglibdir")
	if err != nil {
		return err
	}
	return f.addPostgresModules(ctx, server, modules)
}

// installed asks the installation of a server for one of its folders.
func installed(ctx context.Context, server, which string) (string, error) {
	program := filepath.Join(filepath.Dir(server), "pg_config")
	out, err := exec.CommandContext(ctx, program, which).Output()
	if errors.Is(err, fs.ErrNotExist) {
		return "", &drills.EnvironmentError{
			Missing: program, Err: err,
			Hint: "run `apt-get install postgresql-client` (elsewhere the package is postgresql)",
		}
	}
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", program, which, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// addPostgresModules adds all modules but the compiler, ten times as large as the
// rest and done without where it is missing, and languages with a world of their own.
func (f *Files) addPostgresModules(ctx context.Context, server, folder string) error {
	all, err := filepath.Glob(filepath.Join(folder, "*.so"))
	if err != nil {
		return err
	}
	var modules []string
	for _, module := range all {
		name := filepath.Base(module)
		switch {
		case strings.HasPrefix(name, "llvmjit"),
			strings.Contains(name, "plperl"), strings.Contains(name, "plpython"), strings.HasPrefix(name, "pltcl"):
		default:
			modules = append(modules, module)
		}
	}
	return f.AddModules(ctx, server, modules)
}
