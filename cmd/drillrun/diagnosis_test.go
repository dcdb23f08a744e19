package main

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
)

func substrateOf(needs ...catalog.Need) catalog.SubstrateEntry {
	return catalog.SubstrateEntry{Summary: "a place", Check: func(context.Context) []catalog.Need { return needs }}
}

var (
	engineMissing = catalog.Need{Name: "engine", Err: &drills.EnvironmentError{Missing: "an engine", Hint: "`start it`", Err: errors.New("no socket")}}
	filesFew      = catalog.Need{Name: "open files", Have: "512 at most", Minor: true, Err: &drills.EnvironmentError{Missing: "4096 open files", Hint: "`ulimit -n 4096`"}}
)

func TestOnlyTheDefaultSubstrateDecides(t *testing.T) {
	d := diagnose(t.Context(), map[string]catalog.SubstrateEntry{catalog.DefaultSubstrate: substrateOf(filesFew), "elsewhere": substrateOf(engineMissing)})
	require.True(t, d.OK)
	require.Contains(t, d.table(), "this machine can drill: local\nthis machine cannot drill yet: elsewhere (lacks engine)\n")

	d = diagnose(t.Context(), map[string]catalog.SubstrateEntry{catalog.DefaultSubstrate: substrateOf(engineMissing), "elsewhere": substrateOf()})
	require.False(t, d.OK)
	require.False(t, diagnose(t.Context(), nil).OK, "nothing can be drilled nowhere")
}

func TestWhatIsMissingOrScarceIsToldWithItsMend(t *testing.T) {
	text := diagnose(t.Context(), map[string]catalog.SubstrateEntry{catalog.DefaultSubstrate: substrateOf(engineMissing, filesFew)}).table()
	require.Contains(t, text, ""+
		"  MISSING  engine          an engine: no socket\n"+
		"                           mend: `start it`\n"+
		"  warn     open files      512 at most; wanted: 4096 open files\n"+
		"                           mend: `ulimit -n 4096`\n")
}

func TestAFaultThatASubstrateLacksIsToldWithTheReason(t *testing.T) {
	entry := substrateOf()
	entry.Lacks = map[string]string{"flush": "it has no Redis"}
	d := diagnose(t.Context(), map[string]catalog.SubstrateEntry{catalog.DefaultSubstrate: entry})
	require.Contains(t, d.Substrates[0].Faults, faultDiagnosis{Name: "flush", Why: "it has no Redis"})
	require.Contains(t, d.Substrates[0].Faults, faultDiagnosis{Name: "kill", OK: true})
	require.Regexp(t, "not flush +it has no Redis\n", d.table())
}

func TestOneCoreIsWarnedOf(t *testing.T) {
	require.Equal(t, stateWarn, cores(1).State)
	require.NotEmpty(t, cores(1).Mend)
	require.Equal(t, stateOK, cores(2).State)
}
