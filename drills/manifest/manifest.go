package manifest

import (
	_ "embed"
	"fmt"
	"path/filepath"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/internal/input"
)

// Schema is the format of a manifest as JSON Schema (2020-12), for editors.
//
//go:embed system.schema.json
var Schema []byte

// System is a system as its manifest describes it.
type System struct {
	name       string
	version    string // of what is drilled; empty where it is not said
	dir        string // of the manifest, for ${dir}
	guarantees drills.Guarantees
	settle     time.Duration
	stores     []drills.Role     // those that substrates know
	brought    []*storeSpec      // those that it brings along, or that its project has
	backends   []string          // of the witness, that its replicas call
	secrets    map[string]string // of the caller's environment, by variable; kept nowhere else
	replica    processSpec
	compose    *composeSpec // in place of how replicas and stores are started
	submit     *submitSpec  // nil where it takes no jobs
	read       *readSpec    // nil where it cannot be asked what became of a job
	leader     *leaderSpec  // nil where it cannot be asked who leads
	inspect    *inspectSpec // nil where it does not count
	stop       *requestSpec // asks a replica to end; nil for SIGTERM
}

var (
	_ drills.System    = (*System)(nil)
	_ drills.Settler   = (*System)(nil)
	_ drills.Allower   = (*System)(nil)
	_ drills.Versioned = (*System)(nil)
)

// composeSpec is a project of compose that runs already.
type composeSpec struct {
	project string
	witness string // host:port under which replicas know it
}

// storeSpec is a store that the system brings along, or that its project has.
type storeSpec struct {
	name string
	role drills.Role
	url  string // by which clients log in, whatever the address; empty where nobody says
	processSpec
}

// processSpec is how a process is started.
type processSpec struct {
	service     string     // of the project, in place of all that starts it
	image       string     // in place of a program
	command     []template // of an image, what follows its entrypoint
	missing     string     // what to do where the program or the image is not there
	environment []setting
	ports       []portSpec
	ready       readySpec
	grace       time.Duration // zero for the substrate's own
}

// setting is a variable of the environment.
type setting struct {
	name  string
	value template
}

// portSpec is a port on which a process listens.
type portSpec struct {
	name     string
	variable string // of the environment, with host:port; or the number of an image's port
}

// readySpec is how a process says that it takes work: by any status from 200 to
// 299, or where the request has no path by taking connections.
type readySpec struct {
	request requestSpec
	within  time.Duration
}

// requestSpec is one request of HTTP.
type requestSpec struct {
	method  string
	port    string
	path    template
	headers []setting
	body    template
	media   media // of the body
}

// submitSpec is how a job is submitted, and what the answers mean.
type submitSpec struct {
	request  requestSpec
	accepted []int
	rejected []int
	kinds    []string // nil where nobody has said
}

// readSpec is how a replica is asked what became of a job, and what the answers mean.
type readSpec struct {
	request requestSpec
	state   pointer // into the answer, to a word
	done    []string
	dead    []string
	unknown []int // statuses
}

// leaderSpec is how a replica is asked who leads.
type leaderSpec struct {
	request    requestSpec
	leadership string  // as its effects name it
	replica    pointer // into the answer
	term       pointer
}

// inspectSpec is how a replica is asked for the counts of the stores.
type inspectSpec struct {
	request requestSpec
	each    []string        // counts of a replica's own, which are added up
	allow   drills.Snapshot // by how much they may grow
}

// Load reads the manifest in a file. The error joins one [*Error] for each
// mistake.
func Load(file string) (*System, error) {
	source, err := input.Read(file, input.MaxManifest)
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	return Parse(file, source)
}

// Parse reads a manifest as if it stood in that file.
func Parse(file string, source []byte) (*System, error) {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("find the folder of %s: %w", file, err)
	}
	r := &reader{document: document{file: file}, system: System{dir: dir, secrets: map[string]string{}}}
	if root, ok := r.open(source); ok {
		r.manifest(root)
	}
	if err := r.wrong(); err != nil {
		return nil, err
	}
	return &r.system, nil
}

// Name is what reports call the system.
func (s *System) Name() string { return s.name }

// Version is that of what is drilled, in words of the manifest's own.
func (s *System) Version() string { return s.version }

// Guarantees is what the manifest promises.
func (s *System) Guarantees() drills.Guarantees { return s.guarantees }

// Settle is the time that the system's own machinery needs.
func (s *System) Settle() time.Duration { return s.settle }

// Allowance is by how much a replica's connections and goroutines may grow.
func (s *System) Allowance() drills.Snapshot {
	if s.inspect == nil {
		return nil
	}
	return s.inspect.allow
}
