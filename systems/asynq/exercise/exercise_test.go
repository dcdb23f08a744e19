// Package exercise holds the host of asynq to what drillrun asks of an adapter.
package exercise

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/drillrun/drillrun/drills/manifest"
	"github.com/drillrun/drillrun/drilltest"
)

const file = "../tuned.yaml"

// TestAdapter looks at the wiring, in which nobody dies with a task at hand: it
// need not wait for leases as a drill must.
func TestAdapter(t *testing.T) {
	dir := t.TempDir() // what is built stands beside the manifest
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", filepath.Join(dir, "bin", "asynq"), ".")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the host: %v\n%s", err, out)
	}
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	quick := bytes.Replace(source, []byte("settle: 125s"), []byte("settle: 5s"), 1)
	if bytes.Equal(quick, source) {
		t.Fatalf("%s does not settle within 125s any more: say here what to replace", file)
	}
	system, err := manifest.Parse(filepath.Join(dir, "tuned.yaml"), quick)
	if err != nil {
		t.Fatal(err)
	}
	drilltest.Exercise(t, system)
}
