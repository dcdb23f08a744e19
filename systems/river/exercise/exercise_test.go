// Package exercise holds the host of River to what drillrun asks of an adapter.
package exercise

import (
	"bytes"
	"os"
	"os/exec"
	"testing"

	"github.com/drillrun/drillrun/drills/manifest"
	"github.com/drillrun/drillrun/drilltest"
)

// TestAdapter holds the manifest of the defaults, and looks at the wiring: nobody
// dies there with a job in its hands, so it need not wait as long as a drill must.
func TestAdapter(t *testing.T) {
	const file = "../system.yaml"
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", "bin/river", ".")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the host: %v\n%s", err, out)
	}
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	quick := bytes.Replace(source, []byte("settle: 30s"), []byte("settle: 5s"), 1)
	if bytes.Equal(quick, source) {
		t.Fatalf("%s does not settle within 30s any more: say here what to replace", file)
	}
	system, err := manifest.Parse(file, quick)
	if err != nil {
		t.Fatal(err)
	}
	drilltest.Exercise(t, system)
}
