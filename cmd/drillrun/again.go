package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills/runner"
	"github.com/drillrun/drillrun/reference/adapter"
	"github.com/drillrun/drillrun/reports"
	"github.com/drillrun/drillrun/scenarios"
)

// repeat is the command that does a drill again.
func (o *runOptions) repeat(script catalog.Script, seed uint64) string {
	return commandLine("run", append([]string{script.Ref}, o.arguments(seed, o.system)...)...)
}

// arguments are those of the command that does a drill again, behind its scenario.
func (o *runOptions) arguments(seed uint64, system string) []string {
	words := []string{"--seed", strconv.FormatUint(seed, 10)}
	add := func(flag, value string, wanted bool) {
		if wanted {
			words = append(words, flag, value)
		}
	}
	add("--system", system, o.system != catalog.DefaultSystem)
	add("--defect", o.defect, o.defect != "")
	add("--substrate", o.substrate, o.substrate != catalog.DefaultSubstrate)
	add("--postgres-image", o.images.Postgres, o.images.Postgres != "")
	add("--redis-image", o.images.Redis, o.images.Redis != "")
	add("--replicas", strconv.Itoa(o.replicas), o.replicas != 0)
	add("--timeout", o.timeout.String(), o.timeout != 0)
	return words
}

// kept are the arguments for the record, which may be judged in another folder:
// a manifest by its whole path.
func (o *runOptions) kept(seed uint64) []string {
	system := o.system
	if path, found := catalog.ManifestOf(system); found {
		system = whole(path)
	}
	return o.arguments(seed, system)
}

// again is the command that does the drill of a run folder again: a built-in
// scenario by its name, unless it has changed since, and any other by what the
// folder has kept of it.
func again(folder runner.Folder, r reports.Results) string {
	info, err := folder.Info()
	words := slices.Clone(info.Arguments)
	if err != nil || len(words) == 0 {
		words = header(r)
	}
	for i, w := range words {
		if i > 0 && words[i-1] == "--system" && filepath.IsAbs(w) {
			words[i] = near(w)
		}
	}
	return commandLine("run", append([]string{named(folder, r.Scenario)}, words...)...)
}

// header are the arguments as far as a record of an older version tells them.
func header(r reports.Results) []string {
	o := &runOptions{system: catalog.DefaultSystem, substrate: catalog.DefaultSubstrate, replicas: r.Replicas}
	system, options, _ := strings.Cut(r.System, ", ")
	o.system = cmp.Or(system, o.system)
	for option := range strings.SplitSeq(options, ", ") {
		if defect, found := strings.CutPrefix(option, adapter.DefectOption+" "); found {
			o.defect = defect
		}
	}
	o.substrate = cmp.Or(r.Substrate, o.substrate)
	return o.arguments(r.Seed, o.system)
}

// named is what names the scenario of a run folder on the command line.
func named(folder runner.Folder, scenario string) string {
	if slices.Contains(scenarios.Names(), scenario) {
		_, now, err := scenarios.Source(scenario)
		then, wrong := folder.Scenario()
		if err == nil && wrong == nil && bytes.Equal(now, then) {
			return scenario
		}
	}
	return folder.File(runner.ScenarioFile)
}

// whole is a path from the root of the file system.
func whole(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// near is a path as it is written in the working folder, if it is below that.
func near(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(rel) {
		return "." + string(filepath.Separator) + rel
	}
	return path
}

// commandLine is a command of drillrun that can be pasted into a shell.
func commandLine(name string, words ...string) string {
	text := "drillrun " + name
	for _, w := range words {
		text += " " + quote(w)
	}
	return text
}

// plainWord are the characters, beside letters and digits, that mean nothing to a
// shell.
const plainWord = "_./,:@%+-"

// quote writes a word so that a shell reads it as it is. What cannot be seen is
// written in numbers.
func quote(word string) string {
	plain, seen := word != "", utf8.ValidString(word)
	for _, r := range word {
		ascii := r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r))
		plain = plain && (ascii || strings.ContainsRune(plainWord, r))
		seen = seen && unicode.IsPrint(r)
	}
	switch {
	case plain:
		return word
	case seen:
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	var b strings.Builder
	for i := range len(word) {
		switch c := word[i]; {
		case c == '\'' || c == '\\':
			b.WriteString(`\` + string(c))
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return "$'" + b.String() + "'"
}
