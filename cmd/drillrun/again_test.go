package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills/runner"
	"github.com/drillrun/drillrun/reports"
	"github.com/drillrun/drillrun/scenarios"
)

func TestAShellReadsAQuotedWordAsItIs(t *testing.T) {
	for _, word := range []string{
		"calm", "./a/b-c_d.txtar", "my drill.txtar", "$(touch pwned).txtar", "`id`", "it's", "a\"b", "a\\b", "*", "?", "[a]", "a;b", "a&b", "a|b",
		"a>b", "#a", "~", "!!", "{a,b}", "$HOME", "grün", "日本", "", " ", "a=b", "(", "a\\'b",
	} {
		out, err := exec.Command("sh", "-c", "printf %s "+quote(word)).Output()
		require.NoError(t, err, word)
		require.Equal(t, word, string(out))
	}
}

func TestWhatCannotBeSeenIsQuotedInNumbers(t *testing.T) {
	for word, quoted := range map[string]string{
		"esc\x1b[31mred.txtar": `$'esc\x1b[31mred.txtar'`,
		"two\nlines":           `$'two\x0alines'`,
		"it's\ta":              `$'it\'s\x09a'`,
		"bad\xff":              `$'bad\xff'`,
		"turned\u202ea":        `$'turned\xe2\x80\xaea'`,
		"c1\u009b":             `$'c1\xc2\x9b'`,
	} {
		require.Equal(t, quoted, quote(word))
		require.Equal(t, quoted, reports.Plain(quote(word)))
	}
}

func TestARepeatedDrillHasAllThatItWasRunWith(t *testing.T) {
	o := &runOptions{
		system: "./my shop/system.yaml", substrate: "docker", defect: "no-term", replicas: 5, timeout: 90e9,
		images: catalog.Images{Postgres: "pg:17", Redis: "redis:7"},
	}
	require.Equal(t, "drillrun run 'a b.txtar' --seed 7 --system './my shop/system.yaml' --defect no-term --substrate docker "+
		"--postgres-image pg:17 --redis-image redis:7 --replicas 5 --timeout 1m30s", o.repeat(catalog.Script{Ref: "a b.txtar"}, 7))
	plain := &runOptions{system: catalog.DefaultSystem, substrate: catalog.DefaultSubstrate}
	require.Equal(t, "drillrun run calm --seed 7", plain.repeat(catalog.Script{Ref: "calm"}, 7))
	here, err := os.Getwd()
	require.NoError(t, err)
	require.Equal(t, filepath.Join(here, "my shop/system.yaml"), o.kept(7)[3], "the record may be judged anywhere")
}

// kept is a run folder with that script and run.json.
func keptRun(t *testing.T, script []byte, info string) runner.Folder {
	t.Helper()
	f := runner.Folder(filepath.Join(t.TempDir(), "a run"))
	require.NoError(t, os.Mkdir(string(f), 0o700))
	require.NoError(t, os.WriteFile(f.File(runner.ScenarioFile), script, 0o600))
	if info != "" {
		require.NoError(t, os.WriteFile(f.File(runner.RunFile), []byte(info), 0o600))
	}
	return f
}

func TestARunFolderIsRepeatedByWhatItKept(t *testing.T) {
	_, calm, err := scenarios.Source("calm")
	require.NoError(t, err)
	info := `{"arguments":["--seed","7","--system","/x/y/system.yaml"]}`
	builtIn := keptRun(t, calm, info)
	require.Equal(t, "drillrun run calm --seed 7 --system /x/y/system.yaml", again(builtIn, reports.Results{Scenario: "calm"}))

	changed := keptRun(t, append(calm, '\n'), info)
	require.Equal(t, "drillrun run '"+changed.File(runner.ScenarioFile)+"' --seed 7 --system /x/y/system.yaml",
		again(changed, reports.Results{Scenario: "calm"}), "a built-in scenario that is another one now")

	// Below the working folder, a path is written from there.
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	require.NoError(t, err)
	near := keptRun(t, calm, `{"arguments":["--seed","7","--system","`+here+`/shop/system.yaml"]}`)
	require.Contains(t, again(near, reports.Results{Scenario: "calm"}), "--system ./shop/system.yaml")
}

func TestARecordOfAnOlderVersionIsRepeatedAsFarAsItTells(t *testing.T) {
	r := reports.Results{
		Scenario: "mine", Seed: 7, Replicas: 3, System: "reference, defect no-term, lanes 2", Substrate: "docker",
	}
	f := keptRun(t, nil, "")
	require.Equal(t, "drillrun run '"+f.File(runner.ScenarioFile)+"' --seed 7 --defect no-term --substrate docker --replicas 3", again(f, r),
		"what the scenario itself sets is no flag")
}
