package local_test

import (
	"context"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local"
	"github.com/drillrun/drillrun/internal/surroundings"
)

// startBoth starts both stores in a folder, and a replica.
func startBoth(t *testing.T, dir string) {
	t.Helper()
	s := newSubstrate(t, openProvider(t, local.Config{Dir: dir}))
	for name, role := range map[string]drills.Role{"postgres": drills.RolePostgres, "redis": drills.RoleRedis} {
		st, err := s.Store(t.Context(), name, role)
		require.NoError(t, err)
		kill(t, st)
		require.NoError(t, st.Start(t.Context()), "on the data that it has")
	}
	_, err := s.Launch(t.Context(), replicaSpec("replica"))
	require.NoError(t, err)
}

func TestStoresStartWhateverTheUmask(t *testing.T) {
	for _, umask := range []int{0, 0o077, 0o277, 0o777} {
		before := syscall.Umask(0o022)
		dir := scratchParent(t)
		syscall.Umask(umask)
		surroundings.Shed()
		startBoth(t, dir)
		syscall.Umask(before)
	}
}

func TestStoresStartWhateverTheFolderIsCalled(t *testing.T) {
	dir := filepath.Join(scratchParent(t), `it's "a" $(folder) [0-9]* with \ and é; #`)
	require.NoError(t, os.Mkdir(dir, 0o755))
	startBoth(t, dir)

	dead := filepath.Join(dir, "drillrun-1")
	require.NoError(t, os.Mkdir(dead, 0o711))
	require.NoError(t, os.WriteFile(filepath.Join(dead, "harness.lock"), nil, 0o600))
	done, err := local.Heal(t.Context(), local.Config{Dir: dir})
	require.NoError(t, err)
	require.Equal(t, []string{"removed " + dead}, done)
}

func TestAFolderThatStoresCannotNameIsRefused(t *testing.T) {
	deep := strings.Repeat("/"+strings.Repeat("d", 200), 5)
	for name, why := range map[string]string{
		"two\nlines": "control character", "tab\there": "control character", "latin \xe9": "not UTF-8", deep: "longer than 800",
	} {
		dir := filepath.Join(scratchParent(t), name)
		require.NoError(t, os.MkdirAll(dir, 0o755))
		_, err := local.Open(t.Context(), local.Config{Dir: dir})
		var missing *drills.EnvironmentError
		require.ErrorAs(t, err, &missing)
		require.ErrorContains(t, err, why)
		require.NotContains(t, err.Error(), "\n")
		require.Contains(t, missing.Hint, "TMPDIR")
	}
}

func TestAUserWithoutANameIsTold(t *testing.T) {
	if os.Geteuid() != 0 {
		newSubstrate(t, openProvider(t, local.Config{})) // whoever runs this has one
		return
	}
	const stranger = 12345
	out, err := testsAs(t, stranger, "^TestAUserWithoutANameIsTold$")
	require.Error(t, err)
	require.Contains(t, out, "a name for user 12345")
	require.Contains(t, out, "/etc/passwd")

}

func TestTooFewOpenFilesAreTold(t *testing.T) {
	dir := scratchParent(t)
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 200, Max: limit.Max}))
	_, err := local.Open(t.Context(), local.Config{Dir: dir})
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	require.ErrorContains(t, err, "256 open files: 200 at most")
}

// testsAs plays tests as another user.
func testsAs(t *testing.T, uid uint32, run string) (said string, err error) {
	t.Helper()
	dir := scratchParent(t)
	binary := filepath.Join(dir, "tests")
	text, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(binary, text, 0o755))
	tmp := filepath.Join(dir, "tmp")
	require.NoError(t, os.Mkdir(tmp, 0o700))
	require.NoError(t, os.Chown(tmp, int(uid), int(uid)))
	cmd := osexec.CommandContext(context.WithoutCancel(t.Context()), binary, "-test.v", "-test.run="+run)
	cmd.Dir, cmd.Env = tmp, []string{"TMPDIR=" + tmp, "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	return string(out), err
}
