package adapter

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/defects"
)

const (
	// replicaArgument, alone, makes a binary that calls RunReplica be a replica
	// instead of itself. A variable of the environment could be somebody else's.
	replicaArgument = "drillrun-replica"
	// defectMark in its environment has that replica built with the defect of this
	// name.
	defectMark = "DRILLRUN_DEFECT"
)

// DefectOption is the option in [drills.Environment] that names a defect.
const DefectOption = "defect"

// RunReplica turns the process into a replica of the reference, and never
// returns, if it has been started as one. Call it first in main, and in
// TestMain: one installed binary is then all that a drill needs.
func RunReplica() {
	if len(os.Args) != 2 || os.Args[1] != replicaArgument {
		return
	}
	os.Exit(runReplica(context.Background(), os.Getenv, os.Stdout, os.Stderr))
}

func runReplica(ctx context.Context, getenv func(string) string, stdout, stderr io.Writer) int {
	name := getenv(defectMark)
	if name == "" {
		return controlplane.Main(ctx, getenv, stdout, stderr)
	}
	defect, known := defects.Named(name)
	if !known {
		fmt.Fprintf(stderr, "unknown defect %q\n", name)
		return controlplane.ExitConfig
	}
	return defect.ExitCode(controlplane.MainWith(ctx, getenv, stdout, stderr, defect.Build))
}
