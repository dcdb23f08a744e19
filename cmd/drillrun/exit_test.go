package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/runner"
	"github.com/drillrun/drillrun/reports"
)

// exitCode is that of a command which ends so, and what it says.
func exitCode(t *testing.T, do func(cmd *cobra.Command) error, args ...string) (code int, says string) {
	t.Helper()
	root := &cobra.Command{Use: "x", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(&cobra.Command{Use: "do", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return do(cmd) }})
	var stderr bytes.Buffer
	code = run(root, append([]string{"do"}, args...), &stderr, &stderr)
	return code, stderr.String()
}

func TestOnlyAMistakeOfTheUserIsOne(t *testing.T) {
	full := fmt.Errorf("seal the history: write: %w", syscall.ENOSPC)
	for name, test := range map[string]struct {
		want int
		err  error
	}{
		"done":                      {exitPass, nil},
		"a verdict":                 {exitUnknown, &exitError{code: exitUnknown}},
		"a mistake":                 {exitUsage, &exitError{exitUsage, errors.New("unknown scenario")}},
		"a full disk":               {exitEnvironment, full},
		"anything else":             {exitEnvironment, errors.New("so it is")},
		"a drill that cannot start": {exitEnvironment, &runner.EnvironmentError{Err: errors.New("no Redis")}},
	} {
		code, _ := exitCode(t, func(*cobra.Command) error { return test.err })
		require.Equal(t, test.want, code, name)
		code, _ = exitCode(t, func(cmd *cobra.Command) error {
			verdict := exitPass
			var exit *exitError
			if errors.As(test.err, &exit) && exit.err == nil {
				return conclude(cmd, exit.code, nil, true)
			}
			return conclude(cmd, verdict, test.err, true)
		})
		require.Equal(t, test.want, code, name)
	}
	code, _ := exitCode(t, func(*cobra.Command) error { return nil }, "too", "much")
	require.Equal(t, exitUsage, code)
	code, _ = exitCode(t, func(*cobra.Command) error { return nil }, "--no-such-flag")
	require.Equal(t, exitUsage, code)
}

func TestACrashIsNoVerdictAndNoControlByteIsPrinted(t *testing.T) {
	code, says := exitCode(t, func(*cobra.Command) error { panic("out of \x1b[31mluck") })
	require.Equal(t, exitCrash, code)
	require.Contains(t, says, "out of  [31mluck")
	require.NotContains(t, says, "\x1b")
}

func TestAnInterruptionIsToldWhateverElseWentWrong(t *testing.T) {
	for _, err := range []error{errors.New("context canceled; run make deps"), &exitError{exitEnvironment, errors.New("no Redis")}, &exitError{code: exitEnvironment}} {
		code, says := exitCode(t, func(cmd *cobra.Command) error {
			require.NoError(t, begin(cmd.Context()))
			require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
			<-cmd.Context().Done()
			return err
		})
		require.Equal(t, exitInterrupted, code)
		require.Equal(t, "drillrun: interrupted by SIGTERM\n", says)
	}
}

func TestWhatHasBegunNothingIsLeftWhereItWaits(t *testing.T) {
	forever := make(chan struct{})
	defer close(forever)
	code, _ := exitCode(t, func(*cobra.Command) error {
		require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
		<-forever
		return nil
	})
	require.Equal(t, exitInterrupted, code)

	w := &work{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), workKey{}, w))
	require.NoError(t, begin(ctx))
	cancel()
	require.False(t, w.abandon(), "there may be something to heal")
	late := &work{}
	require.Error(t, begin(context.WithValue(ctx, workKey{}, late)))
	require.True(t, late.abandon())
}

func TestAReportThatCannotBeWrittenLeavesWhatWasSaidBefore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "j.xml")
	require.NoError(t, os.WriteFile(file, bytes.Repeat([]byte("stale "), 5000), 0o640))
	draft := reports.NewDocument(nil, false).Broken(exitCrash, "not ended")
	outputs, err := openReports([]string{"junit=" + file}, reports.Formats(), false, &draft)
	require.NoError(t, err)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(text), "not ended")
	require.NotContains(t, string(text), "stale")

	require.NoError(t, outputs[0].opened.Close()) // nothing can be written to it any more
	outputs[0].opened, err = os.Open(file)
	require.NoError(t, err)
	require.ErrorContains(t, outputs[0].save(nil, reports.NewDocument(nil, false)), "write report "+file)
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(text), string(after))
}

func TestAReportGoesWhereItsPathLeadsInTheEnd(t *testing.T) {
	for name, replace := range map[string]func(file string) error{
		"removed": os.Remove,
		"replaced": func(file string) error {
			if err := os.WriteFile(file+"2", []byte("another, which is longer than the report that comes"), 0o600); err != nil {
				return err
			}
			return os.Rename(file+"2", file)
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "j.xml")
			outputs, err := openReports([]string{"junit=" + file}, reports.Formats(), false, nil)
			require.NoError(t, err)
			require.NoError(t, replace(file))
			require.NoError(t, outputs[0].save(nil, reports.NewDocument(nil, false)))
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Contains(t, string(text), "<testsuites")
			require.NotContains(t, string(text), "another, which")
		})
	}
}

func TestAFileThatWasMadeForNoReportIsRemoved(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "old.json")
	require.NoError(t, os.WriteFile(old, []byte("a night's work"), 0o600))
	outputs, err := openReports[reports.Matrix]([]string{"json=" + old, "markdown=" + filepath.Join(dir, "new.md"), "json=/none/x"}, matrixFormats(), false, nil)
	require.ErrorContains(t, err, "open /none/x")
	require.Len(t, outputs, 2)
	forget(outputs)
	text, err := os.ReadFile(old)
	require.NoError(t, err)
	require.Equal(t, "a night's work", string(text))
	require.NoFileExists(t, filepath.Join(dir, "new.md"))
}

func TestAFullDiskIsNoMistakeOfWhoNamedTheReport(t *testing.T) {
	var exit *exitError
	require.ErrorAs(t, refusal(&os.PathError{Op: "write", Path: "j.xml", Err: syscall.ENOSPC}), &exit)
	require.Equal(t, exitEnvironment, exit.code)
	require.ErrorAs(t, refusal(os.ErrNotExist), &exit)
	require.Equal(t, exitUsage, exit.code)
}

func TestFilesAreNamedFromTheRootOfTheRepository(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "chaos/deep"), 0o700))
	t.Chdir(filepath.Join(root, "chaos"))
	t.Setenv("GITHUB_WORKSPACE", "")
	require.Equal(t, "deep/ok.txtar", inRepository("./deep/ok.txtar"), "there is none")
	require.NoError(t, os.Mkdir(filepath.Join(root, ".git"), 0o700))
	require.Equal(t, "chaos/deep/ok.txtar", inRepository("./deep/ok.txtar"))
	t.Setenv("GITHUB_WORKSPACE", filepath.Join(root, "chaos"))
	require.Equal(t, "deep/ok.txtar", inRepository("deep/ok.txtar"))
	require.Equal(t, "../out.txtar", inRepository("../out.txtar"), "it is not in there")
}
