package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local"
)

const (
	storeUser = 999   // whom stores run as, in the official images, too
	nobody    = 65534 // whom packed programs run as
)

// entrypoint is where the official images have theirs.
const entrypoint = "/usr/local/bin/docker-entrypoint.sh"

// tool is a program of the operating system that an entrypoint needs.
type tool struct{ name, pkg string }

var tools = []tool{
	{"cat", "coreutils"}, {"chmod", "coreutils"}, {"chown", "coreutils"}, {"id", "coreutils"},
	{"mkdir", "coreutils"}, {"mv", "coreutils"}, {"rm", "coreutils"}, {"sleep", "coreutils"}, {"setpriv", "util-linux"},
}

// toolFolders are searched instead of PATH: what a user put there is not meant.
var toolFolders = []string{"/usr/bin", "/bin"}

// newStoreFiles is what each store needs around its program: a shell, the tools
// of its entrypoint, and a user of that name.
func newStoreFiles(ctx context.Context, user, script string) (*Files, error) {
	f := NewFiles()
	f.Text("/etc/passwd", fmt.Sprintf(
		"root:x:0:0::/root:/bin/sh\n%s:x:%d:%d::/:/bin/sh\nnobody:x:%d:%d::/:/bin/sh\n",
		user, storeUser, storeUser, nobody, nobody), 0o644)
	f.Text("/etc/group", fmt.Sprintf("root:x:0:\n%s:x:%d:\nnogroup:x:%d:\n", user, storeUser, nobody), 0o644)
	// Without it some libraries ask the name server before /etc/hosts.
	f.Text("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n", 0o644)
	f.Text(entrypoint, script, 0o755)
	f.Dir("/tmp", 0o777|fs.ModeSticky, 0)
	// initdb and the entrypoint want this very shell.
	if err := f.AddProgram(ctx, "/bin/sh"); err != nil {
		return nil, err
	}
	for _, t := range tools {
		path, err := t.find()
		if err != nil {
			return nil, err
		}
		if err := f.AddProgram(ctx, path); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (t tool) find() (string, error) {
	for _, folder := range toolFolders {
		path := filepath.Join(folder, t.name)
		_, err := os.Stat(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", &drills.EnvironmentError{Missing: t.name, Hint: "run `apt-get install " + t.pkg + "`"}
}

// findStore finds a store's program as the local substrate does.
func findStore(ctx context.Context, name string) (local.Finding, error) {
	for _, f := range local.Programs(ctx, local.Config{}) {
		if f.Name == name {
			return f, f.Err
		}
	}
	return local.Finding{}, fmt.Errorf("nobody looks for a program %q", name)
}

// addBeside adds those programs beside another that are there: clients, for
// whoever wants to look into a container.
func (f *Files) addBeside(ctx context.Context, program string, names ...string) error {
	for _, name := range names {
		path := filepath.Join(filepath.Dir(program), name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := f.AddProgram(ctx, path); err != nil {
			return err
		}
	}
	return nil
}
