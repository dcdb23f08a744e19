package surroundings_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/internal/surroundings"
)

func TestNothingOfTheCallerReachesAConnection(t *testing.T) {
	leaking := []string{
		"PGSERVICE", "PGTARGETSESSIONATTRS", "PGSSLROOTCERT", "PGCONNECT_TIMEOUT", "PGOPTIONS", "PGTZ", "PGREQUIREAUTH",
		"REDISCLI_AUTH", "LC_ALL", "LANG", "http_proxy", "HTTPS_PROXY", "no_proxy", "ALL_PROXY",
	}
	for _, name := range leaking {
		t.Setenv(name, "it leaks")
	}
	for _, name := range []string{"DOCKER_HOST", "TMPDIR", "PATH_OF_PG"} {
		t.Setenv(name, "it stays")
	}
	const url = "postgres://drillrun@127.0.0.1:1/postgres?sslmode=disable"
	_, err := pgx.ParseConfig(url)
	require.Error(t, err, "what this is about")
	surroundings.Shed()
	for _, name := range leaking {
		require.NotContains(t, os.Environ(), name+"=it leaks")
	}
	for _, name := range []string{"DOCKER_HOST", "TMPDIR", "PATH_OF_PG"} {
		require.Equal(t, "it stays", os.Getenv(name))
	}
	config, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	require.Empty(t, config.RuntimeParams)
	require.Zero(t, config.ConnectTimeout)
}

func TestFilesBelongToWhoMakesThem(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o277))
	surroundings.Shed()
	dir := filepath.Join(t.TempDir(), "made")
	require.NoError(t, os.Mkdir(dir, 0o755))
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, "drwx------", info.Mode().String(), "what the caller keeps from others stays so")
}
