package runner_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills/runner"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/reports"
)

// signedRun is a copy of the run folder in testdata, whose history ssh-keygen has
// signed: `ssh-keygen -Y sign -f key -n drillrun history.jsonl`.
func signedRun(t *testing.T) runner.Folder {
	t.Helper()
	f := runner.Folder(t.TempDir())
	require.NoError(t, os.CopyFS(string(f), os.DirFS("testdata/signed")))
	return f
}

func check(t *testing.T, j runner.Judge, f runner.Folder) reports.Results {
	t.Helper()
	r, err := j.Check(t.Context(), f, "")
	require.NoError(t, err)
	return r
}

// rewrite replaces a text in a file of a run folder.
func rewrite(t *testing.T, f runner.Folder, file, old, now string) {
	t.Helper()
	text, err := os.ReadFile(f.File(file))
	require.NoError(t, err)
	require.Contains(t, string(text), old)
	require.NoError(t, os.WriteFile(f.File(file), []byte(strings.Replace(string(text), old, now, 1)), 0o600))
}

func believed(t *testing.T, r reports.Results) {
	t.Helper()
	require.Empty(t, r.Why)
	require.NotEmpty(t, r.Seal)
}

// unbelievable demands that no gate has a verdict, for a reason with that in it.
func unbelievable(t *testing.T, r reports.Results, why string) {
	t.Helper()
	require.Equal(t, gates.Unknown, r.Verdict)
	require.Contains(t, strings.Join(r.Why, "\n"), why)
	for _, g := range r.Gates {
		require.Equal(t, gates.Unknown, g.Verdict, g.Gate)
	}
	require.Empty(t, r.Seal, "it is not known to be whole")
	require.Empty(t, r.SignedBy)
}

func TestARecordIsNamedByTheDigestInItsSeal(t *testing.T) {
	f := signedRun(t)
	r := check(t, catalog.Judge(), f)
	believed(t, r)
	text, err := os.ReadFile(f.File(runner.HistoryFile))
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(text), `"sha256":"`+r.Seal+"\"}}\n"))
	require.NoError(t, f.Keep(r))
	kept, err := os.ReadFile(f.File(runner.ResultsFile))
	require.NoError(t, err)
	require.Contains(t, string(kept), r.Seal)
}

func TestTheFilesOfAFolderMustAgree(t *testing.T) {
	for name, c := range map[string]struct{ old, now, why string }{
		"another seed":              {`"seed": 7`, `"seed": 8`, "its seed is 8, and that of the history 7"},
		"another system":            {`"reference"`, `"reference, defect no-term"`, "its system is reference, defect no-term"},
		"another substrate":         {`"local"`, `"docker"`, "its substrate is docker"},
		"another scenario":          {`"leader-kill"`, `"calm"`, "its scenario is calm"},
		"another digest":            {`"digest": "`, `"digest": "0`, "its digest of the scenario is 0"},
		"another number":            {`"replicas": 1`, `"replicas": 3`, "its number of replicas is 3"},
		"another time":              {"2026-11-28", "2026-11-29", "its start is 2026-11-29"},
		"another version":           {`"v0.0.1"`, `"v9"`, "its versions are map[drillrun:v9]"},
		"something that is no JSON": {"{", "[", "run.json cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			f := signedRun(t)
			rewrite(t, f, runner.RunFile, c.old, c.now)
			unbelievable(t, check(t, catalog.Judge(), f), c.why)
		})
	}
	f := signedRun(t)
	rewrite(t, f, runner.ScenarioFile, "lost == 0", "lost < 600")
	unbelievable(t, check(t, catalog.Judge(), f), "scenario.txtar is not the scenario that was run")

	f = signedRun(t)
	require.NoError(t, os.Remove(f.File(runner.RunFile)))
	believed(t, check(t, catalog.Judge(), f)) // there is nothing to compare with
}

func TestAnotherVersionAndAChangedBuiltInAreRemarkedUpon(t *testing.T) {
	j := catalog.Judge()
	j.Version = "v9"
	r := check(t, j, signedRun(t))
	believed(t, r)
	require.Equal(t, []string{
		"recorded by drillrun v0.0.1, and judged by v9: what a gate asks for may have changed between them",
		"leader-kill is the name of a built-in scenario, and the script is not the built-in one of this drillrun",
	}, r.Remarks)

	j.Version, j.Builtin = "v0.0.1", func(string) ([]byte, bool) { return nil, false }
	require.Empty(t, check(t, j, signedRun(t)).Remarks)
}

func verifying(t *testing.T, file string) runner.Judge {
	t.Helper()
	j := catalog.Judge()
	var err error
	j.Keys, err = runner.ReadVerifyKeys(file)
	require.NoError(t, err)
	return j
}

func TestASignatureOfSSHIsVerified(t *testing.T) {
	r := check(t, verifying(t, "testdata/key.pub"), signedRun(t))
	believed(t, r)
	require.Regexp(t, "^SHA256:", r.SignedBy)
	require.Empty(t, check(t, catalog.Judge(), signedRun(t)).SignedBy, "nobody has verified it")
}

func TestWhatIsNotSignedByTheKeyIsUnknown(t *testing.T) {
	ours := verifying(t, "testdata/key.pub")
	unbelievable(t, check(t, verifying(t, "testdata/other.pub"), signedRun(t)), "which is none of the keys that count")

	f := signedRun(t)
	require.NoError(t, os.Remove(f.File(runner.SignatureFile)))
	unbelievable(t, check(t, ours, f), "the history is not signed")

	f = signedRun(t)
	require.NoError(t, os.WriteFile(f.File(runner.SignatureFile), []byte("yes"), 0o600))
	unbelievable(t, check(t, ours, f), "cannot be read")

	// Another history, sealed as it ought to be, with the signature of this one.
	f = signedRun(t)
	header := `{"header":{"schema":1,"started":"2026-11-28T12:00:00Z","scenario":"leader-kill"`
	rewrite(t, f, runner.HistoryFile, header, header+" ")
	require.NoError(t, os.Remove(f.File(runner.RunFile)))
	reseal(t, f)
	believed(t, check(t, catalog.Judge(), f))
	unbelievable(t, check(t, ours, f), "is not one of this history")
}

func TestWhatASignKeySignsItsPublicKeyVerifies(t *testing.T) {
	private, public := newKey(t, 0o600)
	key, err := runner.ReadSignKey(private)
	require.NoError(t, err)
	f := signedRun(t)
	require.NoError(t, runner.Sign(f, key))
	believed(t, check(t, verifying(t, public), f))
	unbelievable(t, check(t, verifying(t, "testdata/key.pub"), f), "none of the keys that count")

	both := filepath.Join(t.TempDir(), "both")
	var text []byte
	for _, file := range []string{"testdata/key.pub", public} {
		one, err := os.ReadFile(file)
		require.NoError(t, err)
		text = append(append(text, '\n'), one...)
	}
	require.NoError(t, os.WriteFile(both, text, 0o600))
	believed(t, check(t, verifying(t, both), f))
}

func TestKeysThatCannotBeUsedAreRefused(t *testing.T) {
	private, public := newKey(t, 0o600)
	readable, _ := newKey(t, 0o644)
	restricted := filepath.Join(t.TempDir(), "restricted")
	text, err := os.ReadFile(public)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(restricted, append([]byte(`valid-before="20200101" `), text...), 0o600))
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))

	for file, why := range map[string]string{
		readable: "may be read by others (mode 0644)", public: "is no private key", t.TempDir(): "want a regular file", empty: "is no private key",
		filepath.Join(t.TempDir(), "none"): "no such file",
	} {
		_, err := runner.ReadSignKey(file)
		require.ErrorContains(t, err, why)
	}
	for file, why := range map[string]string{
		private: "is a private key", restricted: `begins with "valid-before`, empty: "has no key", "testdata/signed/run.json": "no public key",
	} {
		_, err := runner.ReadVerifyKeys(file)
		require.ErrorContains(t, err, why)
	}
}

// newKey writes a key as ssh-keygen does.
func newKey(t *testing.T, mode os.FileMode) (private, public string) {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(priv, "a test")
	require.NoError(t, err)
	key, err := ssh.NewPublicKey(pub)
	require.NoError(t, err)
	private = filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(private, pem.EncodeToMemory(block), 0o600))
	require.NoError(t, os.Chmod(private, mode))
	require.NoError(t, os.WriteFile(private+".pub", ssh.MarshalAuthorizedKey(key), 0o600))
	return private, private + ".pub"
}

// reseal gives an edited history a seal that fits, as anybody can.
func reseal(t *testing.T, f runner.Folder) {
	t.Helper()
	text, err := os.ReadFile(f.File(runner.HistoryFile))
	require.NoError(t, err)
	end := strings.LastIndex(strings.TrimSuffix(string(text), "\n"), "\n") + 1
	var seal struct {
		Seal struct {
			Count int `json:"count"`
		} `json:"seal"`
	}
	require.NoError(t, json.Unmarshal(text[end:], &seal))
	require.NoError(t, os.WriteFile(f.File(runner.HistoryFile), fmt.Appendf(text[:end:end], "{\"seal\":{\"count\":%d,\"sha256\":\"%x\"}}\n", seal.Seal.Count, sha256.Sum256(text[:end])), 0o600))
}
