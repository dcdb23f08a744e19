package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// probing bounds how long a binary may take to tell its version.
const probing = 5 * time.Second

// need is a program without which the substrate cannot work.
type need struct {
	name    string
	beside  string // another program that must be in the same folder
	major   int    // oldest major version that will do
	hint    string
	version *regexp.Regexp // finds the version, its major part as first group
	folders []string       // glob patterns of folders outside of PATH
}

func needs() []need {
	return []need{{
		name: "postgres", beside: "initdb", major: 15,
		hint:    "run `make deps` or `apt-get install postgresql` (elsewhere the package is postgresql-server)",
		version: regexp.MustCompile(`\(PostgreSQL\) ((\d+)[^\s]*)`),
		folders: []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"},
	}, {
		name: "redis-server", major: 7,
		hint:    "run `make deps` or `apt-get install redis-server` (elsewhere the package is redis)",
		version: regexp.MustCompile(`v=((\d+)[^\s]*)`),
		folders: []string{"/usr/local/bin", "/usr/bin", "/usr/sbin"},
	}}
}

// Finding is what the machine offers for one need of the substrate.
type Finding struct {
	Name    string // "postgres", "redis-server", "open files", ...
	Path    string // of a program, or of the unfit one that was found; empty for none
	Version string // of a program, as it tells itself
	Have    string // what there is, in words; may be empty
	Minor   bool   // drills go on without, only worse
	Err     error  // a [drills.EnvironmentError] if that will not do
}

// Check looks for what the substrate needs of the machine. It starts nothing
// but the programs' --version, and leaves nothing behind.
func Check(ctx context.Context, c Config) []Finding {
	return append(Programs(ctx, c), machine(ctx, c)...)
}

// Programs looks for the newest fit one of each program.
func Programs(ctx context.Context, c Config) []Finding {
	var found []Finding
	for _, n := range needs() {
		found = append(found, n.find(ctx, c.Search))
	}
	return found
}

// find prefers what the user's PATH prefers, then the newest version.
func (n need) find(ctx context.Context, search []string) Finding {
	best := Finding{Name: n.name, Err: n.missing(errors.New("not found"))}
	bestMajor := 0
	inPath := len(search)
	if search == nil {
		search = filepath.SplitList(os.Getenv("PATH"))
		inPath = len(search)
		search = append(search, n.expand()...)
	}
	for i, folder := range search {
		f, major := n.probe(ctx, filepath.Join(folder, n.name))
		if f.Path == "" {
			continue
		}
		if f.Err == nil && i < inPath {
			return f
		}
		if f.Err == nil && major > bestMajor || best.Path == "" {
			best, bestMajor = f, major
		}
	}
	return best
}

func (n need) expand() []string {
	var folders []string
	for _, pattern := range n.folders {
		// The only error is a malformed pattern, and these are constants.
		if found, err := filepath.Glob(pattern); err == nil {
			folders = append(folders, found...)
		}
	}
	return folders
}

// probe looks at one file. The finding has no path if there is no such file.
func (n need) probe(ctx context.Context, path string) (f Finding, major int) {
	f = Finding{Name: n.name}
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return f, 0
	}
	if n.beside != "" {
		// A link to the program alone does not lead to what is beside it.
		if target, err := filepath.EvalSymlinks(path); err == nil {
			path = target
		}
	}
	f.Path = path
	ctx, cancel := context.WithTimeout(ctx, probing)
	defer cancel()
	program := exec.CommandContext(ctx, path, "--version")
	program.WaitDelay = probing // for a child of it that keeps the pipe
	out, err := program.Output()
	if err != nil {
		f.Err = n.missing(fmt.Errorf("%s --version: %w", path, err))
		return f, 0
	}
	match := n.version.FindSubmatch(out)
	if match == nil {
		f.Err = n.missing(fmt.Errorf("%s --version says %q", path, out))
		return f, 0
	}
	f.Version = string(match[1])
	f.Have = f.Version + " at " + path
	major, err = strconv.Atoi(string(match[2]))
	if err != nil || major < n.major {
		f.Err = n.missing(errors.Join(fmt.Errorf("%s is version %s", path, f.Version), err))
		return f, 0
	}
	if n.beside != "" {
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), n.beside)); err != nil {
			f.Err = n.missing(fmt.Errorf("%s has no %s beside it: %w", path, n.beside, err))
			return f, 0
		}
	}
	return f, major
}

func (n need) missing(err error) error {
	return &drills.EnvironmentError{Missing: fmt.Sprintf("%s (%d or newer)", n.name, n.major), Hint: n.hint, Err: err}
}
