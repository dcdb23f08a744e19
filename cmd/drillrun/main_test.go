package main

import (
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills/substrate/local"
	"github.com/drillrun/drillrun/reference/adapter"
)

func TestMain(m *testing.M) {
	adapter.RunReplica()
	// One script at a time: a drill needs the machine for itself.
	flag.Parse()
	if err := flag.Set("test.parallel", "1"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"drillrun": main, "bare-drillrun": bare})
}

// bare is `drillrun doctor` on a machine without any store.
func bare() {
	root := &cobra.Command{Use: "bare-drillrun"}
	root.AddCommand(newDoctor(map[string]catalog.SubstrateEntry{
		catalog.DefaultSubstrate: catalog.Local(local.Config{Search: []string{}}),
	}))
	os.Exit(run(root, os.Args[1:], os.Stdout, os.Stderr))
}

// TestCommands runs the scripts of testdata/script against the real command,
// real stores and real replicas.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			root, err := filepath.Abs("../..")
			e.Vars = append(e.Vars, "HOME="+e.WorkDir, "EXAMPLES="+filepath.Join(root, "examples"), "RUNS="+filepath.Join(root, "drills/runner/testdata"))
			return err
		},
		Condition: func(name string) (bool, error) {
			if name != "containers" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return !slices.ContainsFunc(catalog.Docker().Check(t.Context()), func(n catalog.Need) bool {
				return n.Err != nil && !strings.HasSuffix(n.Name, "image") // images can be built
			}), nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"signalled": signalled,
			"edit":      edit,
			"keypair":   keypair,
		},
	})
}

// exits runs a program and wants that exit code: exits 3 [NAME=VALUE...] drillrun run nothing.
// Its outputs are kept as out and err in the working folder.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	cmd := command(ts, args[1:])
	err := cmd.Run()
	compareExit(ts, args[0], err)
}

// signalled starts a program, waits until a file matching the pattern holds
// the text, sends the signal to the program, and wants that exit code:
// signalled INT 130 'runs/*/history.jsonl' '"op":"inject"' drillrun run x
func signalled(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 5 {
		ts.Fatalf("usage: signalled INT|HUP|KILL CODE PATTERN TEXT PROGRAM [ARG...]")
	}
	signal := map[string]syscall.Signal{"INT": syscall.SIGINT, "KILL": syscall.SIGKILL, "HUP": syscall.SIGHUP}[args[0]]
	cmd := command(ts, args[4:])
	ts.Check(cmd.Start())
	if err := awaitText(ts.MkAbs(args[2]), args[3]); err != nil {
		ts.Check(cmd.Process.Kill())
		ts.Logf("it ended with: %v\n%s", cmd.Wait(), ts.ReadFile("err"))
		ts.Fatalf("%v", err)
	}
	family, err := descendants(cmd.Process.Pid)
	ts.Check(err)
	if contained := slices.Contains(args, "docker"); !contained && len(family) < 5 {
		ts.Fatalf("only %d processes below drillrun: two stores and three replicas should run", len(family))
	}
	ts.Check(cmd.Process.Signal(signal))
	compareExit(ts, args[1], cmd.Wait())
	ts.Check(within(3*time.Second, family.gone))
}

// command is a program with a small environment; words such as NAME=VALUE before it
// add to that.
func command(ts *testscript.TestScript, args []string) *exec.Cmd {
	var more []string
	for len(args) > 1 && strings.Contains(args[0], "=") {
		more, args = append(more, args[0]), args[1:]
	}
	path, err := exec.LookPath(filepath.Join(strings.Split(ts.Getenv("PATH"), ":")[0], args[0]))
	if err != nil {
		path, err = exec.LookPath(args[0]) // a shell, for one
	}
	ts.Check(err)
	cmd := exec.Command(path, expand(ts, args[1:])...)
	cmd.Dir = ts.Getenv("WORK")
	// The script's own TMPDIR is closed to the user that stores run as.
	cmd.Env = append(cmd.Env, "PATH="+ts.Getenv("PATH"), "HOME="+ts.Getenv("HOME"), "TMPDIR="+os.TempDir())
	cmd.Env = append(cmd.Env, more...)
	for _, name := range []string{"GOMAXPROCS", "GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY", "SUDO_UID", "SUDO_GID"} {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.Stdout, cmd.Stderr = capture(ts, "out"), capture(ts, "err")
	return cmd
}

// expand replaces the arguments that are patterns of files by these files.
func expand(ts *testscript.TestScript, args []string) []string {
	var expanded []string
	for _, a := range args {
		matches, err := filepath.Glob(ts.MkAbs(a))
		ts.Check(err)
		if !strings.Contains(a, "*") || len(matches) == 0 {
			matches = []string{a}
		}
		expanded = append(expanded, matches...)
	}
	return expanded
}

// capture is a file of the working folder that takes an output.
func capture(ts *testscript.TestScript, name string) *os.File {
	f, err := os.Create(ts.MkAbs(name))
	ts.Check(err)
	ts.Defer(func() { ts.Check(f.Close()) })
	return f
}

func compareExit(ts *testscript.TestScript, want string, err error) {
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != want {
		ts.Fatalf("exit code %d, want %s\n%s%s", code, want, ts.ReadFile("out"), ts.ReadFile("err"))
	}
}

func awaitText(pattern, text string) error {
	return within(60*time.Second, func() error {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, f := range files {
			if content, err := os.ReadFile(f); err == nil && strings.Contains(string(content), text) {
				return nil
			}
		}
		return fmt.Errorf("no %s holds %q", pattern, text)
	})
}

// edit replaces a text in the files that match a pattern: edit PATTERN OLD NEW.
// Without OLD and NEW it cuts the last line off.
func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || (len(args) != 1 && len(args) != 3) {
		ts.Fatalf("usage: edit PATTERN [OLD NEW]")
	}
	files, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(files) == 0 {
		ts.Fatalf("no file matches %s", args[0])
	}
	for _, f := range files {
		content, err := os.ReadFile(f)
		ts.Check(err)
		text := string(content)
		if len(args) == 3 {
			if !strings.Contains(text, args[1]) {
				ts.Fatalf("%s does not hold %q", f, args[1])
			}
			text = strings.Replace(text, args[1], args[2], 1)
		} else {
			text = text[:strings.LastIndexByte(strings.TrimSuffix(text, "\n"), '\n')+1]
		}
		ts.Check(os.WriteFile(f, []byte(text), 0o600))
	}
}

// keypair writes a key of SSH to FILE, and its public half to FILE.pub.
func keypair(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: keypair FILE")
	}
	public, private, err := ed25519.GenerateKey(nil)
	ts.Check(err)
	block, err := ssh.MarshalPrivateKey(private, "a test")
	ts.Check(err)
	key, err := ssh.NewPublicKey(public)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), pem.EncodeToMemory(block), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0])+".pub", ssh.MarshalAuthorizedKey(key), 0o600))
}
