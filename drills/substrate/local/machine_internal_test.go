package local

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
)

func TestPortsInUseAreReadOffTheKernelsTables(t *testing.T) {
	table := filepath.Join(t.TempDir(), "tcp")
	require.NoError(t, os.WriteFile(table, []byte(`  sl  local_address rem_address   st
   0: 0100007F:1F90 00000000:0000 0A
   1: 00000000000000000000000001000000:C000 00000000:0000 0A
`), 0o600))
	used := map[int]bool{}
	require.NoError(t, addLocalPorts(used, table))
	require.Equal(t, map[int]bool{8080: true, 49152: true}, used)
	require.NoError(t, addLocalPorts(used, table+"6"), "a kernel without IPv6 has no such table")

	require.NoError(t, os.WriteFile(table, []byte("heading\n0: 0100007F:port\n"), 0o600))
	require.ErrorContains(t, addLocalPorts(used, table), `"port"`)
}

func TestAPortThatSomebodyListensOnIsInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	used := map[int]bool{}
	require.NoError(t, addLocalPorts(used, "/proc/net/tcp"))
	require.Contains(t, used, l.Addr().(*net.TCPAddr).Port)
	require.NoError(t, l.Close())
}

func TestWhatTheMachineLacksComesWithWhatMendsIt(t *testing.T) {
	for _, f := range machine(t.Context(), Config{Dir: "/nowhere"}) {
		if f.Name != "scratch folder" {
			require.NoError(t, f.Err, f.Name)
			continue
		}
		var missing *drills.EnvironmentError
		require.ErrorAs(t, f.Err, &missing)
		require.Contains(t, missing.Hint, "TMPDIR")
		require.False(t, f.Minor)
	}
}

func TestLookingAtTheMachineLeavesNothingBehind(t *testing.T) {
	parent, err := os.MkdirTemp("", "parent-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.Remove(parent), "it must be empty") })
	require.NoError(t, os.Chmod(parent, 0o755))
	for _, f := range machine(t.Context(), Config{Dir: parent}) {
		require.NoError(t, f.Err, f.Name)
	}
}
