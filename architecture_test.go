// Package drillrun_test holds the architecture: which package may import which.
package drillrun_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/drillrun/drillrun/"

// allowed says, for every house, which packages of this module it may import.
// A name covers the packages below it. What is internal is open to all but those
// who live on the standard library.
var allowed = []struct {
	house   string
	imports []string
	stdOnly bool
}{
	{house: "drills/history", stdOnly: true},
	{house: "drills/witness", imports: []string{"drills", "drills/history"}},
	{house: "drills/engine", imports: []string{"drills", "drills/history", "drills/engine"}},
	{house: "drills/substrate/substratetest", imports: []string{"drills", "drills/substrate/substratetest"}},
	{house: "drills/substrate", imports: []string{"drills", "drills/substrate"}},
	{house: "drills/runner", imports: []string{"drills", "drills/history", "drills/witness", "drills/engine", "gates", "reports"}},
	{house: "drills/manifest", imports: []string{"drills", "drills/history"}},
	{house: "drills", stdOnly: true},
	{house: "drilltest", imports: []string{"catalog", "drills", "drills/history", "drills/runner", "drills/witness", "gates", "internal/surroundings", "reports"}},
	{house: "faults", imports: []string{"drills"}},
	{house: "scenarios", imports: []string{"drills"}},
	{house: "gates", imports: []string{"gates", "drills/history"}},
	{house: "reports", imports: []string{"reports", "gates", "drills/history"}},
	{house: "prove", imports: []string{"gates", "reports"}},
	{house: "reference/adapter", imports: []string{"drills", "drills/history", "reference"}},
	{house: "reference", imports: []string{"reference"}},
	{house: "internal/input", stdOnly: true},
	{house: "internal/suggest", stdOnly: true},
	{house: "internal/surroundings", stdOnly: true},
	{house: "catalog", imports: []string{"drills", "faults", "gates", "reference", "reports", "scenarios"}},
	{house: "cmd/controlplane", imports: []string{"reference"}},
	{house: "cmd/drillrun", imports: []string{"catalog", "drills", "gates", "internal/surroundings", "prove", "reference/adapter", "reports", "scenarios"}},
}

func TestImportsRunOneWay(t *testing.T) {
	for _, line := range goList(t, "{{.ImportPath}} {{.Standard}} {{join .Imports \",\"}}") {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue // imports nothing
		}
		name := strings.TrimPrefix(fields[0], module)
		for _, imported := range strings.Split(fields[2], ",") {
			checkImport(t, name, imported)
		}
	}
}

func checkImport(t *testing.T, name, imported string) {
	t.Helper()
	for _, rule := range allowed {
		if !within(name, rule.house) {
			continue
		}
		own, isOwn := strings.CutPrefix(imported, module)
		switch {
		case !isOwn:
			standard := !strings.Contains(strings.Split(imported, "/")[0], ".")
			require.True(t, standard || !rule.stdOnly, "%s imports %s: the standard library only", name, imported)
		case slices.Contains([]string{"internal/input", "internal/suggest"}, own) && !rule.stdOnly:
		default:
			require.True(t, anyWithin(own, rule), "%s must not import %s", name, own)
		}
		return
	}
	require.Fail(t, "no rule for package "+name, "add it to the houses above and to docs/ARCHITECTURE.md")
}

// anyWithin says whether a rule lets the package be imported. "drills" as an
// import means the vocabulary alone, except for those who wire things up.
func anyWithin(own string, rule struct {
	house   string
	imports []string
	stdOnly bool
}) bool {
	wires := rule.house == "catalog" || strings.HasPrefix(rule.house, "cmd/")
	for _, name := range rule.imports {
		if own == name || (name != "drills" || wires) && within(own, name) {
			return true
		}
	}
	return false
}

func within(name, house string) bool {
	return name == house || strings.HasPrefix(name, house+"/")
}

func TestEveryPackageHasAComment(t *testing.T) {
	for _, line := range goList(t, "{{.ImportPath}}\t{{.Doc}}") {
		name, doc, _ := strings.Cut(line, "\t")
		if name == strings.TrimSuffix(module, "/") {
			continue // nothing but this test
		}
		require.NotEmpty(t, doc, "%s has no package comment", name)
	}
}

func goList(t *testing.T, format string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", format, "./...").Output()
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	require.Greater(t, len(lines), 10, "go list found too little to mean anything")
	return lines
}
