package faults_test

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local"
)

const victimMark = "FAULTS_VICTIM"

// TestMain lets this binary be its own victim: a process that runs until it is
// told to stop.
func TestMain(m *testing.M) {
	if os.Getenv(victimMark) != "" {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		<-stop
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// victims are real processes to aim a fault at.
type victims struct {
	processes []drills.Process
}

// start runs as many victims as there are names.
func start(t *testing.T, names ...string) *victims {
	t.Helper()
	provider, err := local.Open(t.Context(), local.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, provider.Close()) })
	substrate, err := provider.New(t.Context(), local.Options{Logs: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, substrate.Close(ctx))
	})
	v := &victims{}
	for _, name := range names {
		p, err := substrate.Launch(t.Context(), drills.ProcessSpec{
			Name: name, Command: []string{os.Args[0]}, Env: []string{victimMark + "=1"}, Grace: time.Second,
		})
		require.NoError(t, err)
		v.processes = append(v.processes, p)
	}
	return v
}

func (v *victims) Cluster() drills.Cluster { return nil }

func (v *victims) Resolve(_ context.Context, selector string) ([]drills.Process, error) {
	if selector == "all" {
		return v.processes, nil
	}
	for _, p := range v.processes {
		if p.Info().Name == selector {
			return []drills.Process{p}, nil
		}
	}
	return nil, errors.New("no such process")
}

// alive says whether the kernel knows the process, whatever the harness thinks.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }
