package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local/process"
)

// ErrClosed says that a provider or a substrate has been closed.
var ErrClosed = errors.New("substrate is closed")

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

	mu         sync.Mutex
	substrates map[*Substrate]bool
	count      int
	closed     bool
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
	return dir, nil
}

// locate gives the paths of the programs by name.
func locate(ctx context.Context, c Config) (map[string]string, error) {
	paths := map[string]string{}
	var errs []error
	for _, f := range programs(ctx, c) {
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
			dir:      filepath.Join(s.dir, "template"),
			password: newPassword(),
			account:  who,
			launcher: launcher,
		},
		substrates: map[*Substrate]bool{},
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
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	p.count++
	dir := filepath.Join(p.scratch.dir, strconv.Itoa(p.count))
	if o.Logs == "" {
		o.Logs = filepath.Join(dir, ".logs")
	}
	s, err := newSubstrate(ctx, p, dir, o.Logs)
	if err != nil {
		return nil, fmt.Errorf("new local substrate: %w", err)
	}
	p.substrates[s] = true
	return s, nil
}

func (p *Provider) forget(s *Substrate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.substrates, s)
}

// Close closes the substrates that are left and removes the scratch folder. It
// is safe to call twice.
func (p *Provider) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	left := make([]*Substrate, 0, len(p.substrates))
	for s := range p.substrates {
		left = append(left, s)
	}
	p.mu.Unlock()

	var errs []error
	for _, s := range left {
		errs = append(errs, s.Close(context.Background()))
	}
	p.launcher.Close()
	return errors.Join(append(errs, p.scratch.remove(), p.guardian.dismiss())...)
}
