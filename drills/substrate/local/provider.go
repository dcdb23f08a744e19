package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local/process"
	"github.com/drillrun/drillrun/drills/substrate/scope"
	"github.com/drillrun/drillrun/drills/substrate/stores"
)

// Config says where a provider works. Its zero value will do.
type Config struct {
	// Dir is where the scratch folder is made; [os.TempDir] by default.
	Dir string
	// Search are the folders in which programs are looked for; by default
	// those of PATH, then the usual ones of the distributions.
	Search []string
	// Log takes notes that are no errors; nil discards them.
	Log *slog.Logger
}

// Provider gives a fresh substrate to each drill of one run of the harness. It
// is safe for concurrent use.
type Provider struct {
	postgres, redis string // programs
	scratch         *scratch
	guardian        *guardian
	launcher        *process.Launcher
	account         account
	template        *template

	substrates scope.Group
	count      atomic.Int64 // of substrates so far
}

// Open finds the programs, removes what dead runs left behind, makes the scratch
// folder and starts its guardian. A [drills.EnvironmentError] says what the machine lacks.
func Open(ctx context.Context, c Config) (*Provider, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	programs, err := locate(ctx, c)
	if err != nil {
		return nil, err
	}
	who, err := storeAccount()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(who.named(ctx), enoughFiles()); err != nil {
		return nil, err
	}
	parent, err := c.parent()
	if err != nil {
		return nil, err
	}
	if who.credential != nil {
		if err := reachable(parent, who.name); err != nil {
			return nil, err
		}
	}
	done, err := sweep(ctx, parent)
	if err != nil {
		c.Log.Warn("what a dead run left behind could not be removed", "err", err)
	}
	for _, what := range done {
		c.Log.Info("a dead run left something behind", "done", what)
	}
	s, err := newScratch(parent)
	if err != nil {
		return nil, err
	}
	g, err := startGuardian(ctx, s.dir)
	if err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return newProvider(programs, who, s, g), nil
}

// parent is the folder of scratch folders, by the path that the kernel gives
// for it.
func (c Config) parent() (string, error) {
	if c.Dir == "" {
		c.Dir = os.TempDir()
	}
	dir, err := filepath.Abs(c.Dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", &drills.EnvironmentError{
			Missing: "a folder for scratch data", Err: err, Hint: "set TMPDIR to one that exists, such as /tmp",
		}
	}
	return dir, usable(dir)
}

// longest is how long the path of the folder of scratch folders may be: Postgres
// takes 1023 bytes for that of a file of its data.
const longest = 800

// usable refuses a path that does not get through to the stores as it is: their
// files and the journal name it in a line of text.
func usable(dir string) error {
	var why string
	switch {
	case len(dir) > longest:
		why = fmt.Sprintf("its path of %d bytes is longer than %d", len(dir), longest)
	case !utf8.ValidString(dir):
		why = "its path is not UTF-8"
	case strings.ContainsFunc(dir, unicode.IsControl):
		why = "its path has a control character, such as the end of a line"
	default:
		return nil
	}
	return &drills.EnvironmentError{
		Missing: "a folder for scratch data whose path stores can take", Err: fmt.Errorf("%.200q: %s", dir, why),
		Hint: "set TMPDIR to another, such as /tmp",
	}
}

// locate gives the paths of the programs by name.
func locate(ctx context.Context, c Config) (map[string]string, error) {
	paths := map[string]string{}
	var errs []error
	for _, f := range Programs(ctx, c) {
		paths[f.Name] = f.Path
		errs = append(errs, f.Err)
	}
	return paths, errors.Join(errs...)
}

func newProvider(programs map[string]string, who account, s *scratch, g *guardian) *Provider {
	launcher := process.NewLauncher()
	return &Provider{
		postgres: programs["postgres"],
		redis:    programs["redis-server"],
		scratch:  s,
		guardian: g,
		launcher: launcher,
		account:  who,
		template: &template{
			initdb:   filepath.Join(filepath.Dir(programs["postgres"]), "initdb"),
			dir:      filepath.Join(s.dir, templateName),
			password: stores.NewPassword(),
			account:  who,
			launcher: launcher,
		},
	}
}

// Options are the settings of one substrate.
type Options struct {
	// Logs is the folder that takes one NAME.log for each process, and is
	// made if need be. By default the logs go with the data at Close.
	Logs string
}

// New gives a substrate of its own to a drill.
func (p *Provider) New(ctx context.Context, o Options) (drills.Substrate, error) {
	if p.substrates.Closed() {
		return nil, drills.ErrClosed
	}
	dir := filepath.Join(p.scratch.dir, strconv.FormatInt(p.count.Add(1), 10))
	if o.Logs == "" {
		o.Logs = filepath.Join(dir, ".logs")
	}
	s, err := newSubstrate(ctx, p, dir, o.Logs)
	if err != nil {
		return nil, fmt.Errorf("new local substrate: %w", err)
	}
	if err := p.substrates.Add(ctx, s); err != nil {
		return nil, err
	}
	return s, nil
}

// Close closes the substrates that are left and removes the scratch folder. It
// is safe to call twice.
func (p *Provider) Close() error {
	first, err := p.substrates.Close(context.Background())
	if !first {
		return nil
	}
	p.launcher.Close()
	return errors.Join(err, p.scratch.remove(), p.guardian.dismiss())
}
