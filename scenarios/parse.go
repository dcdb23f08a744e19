// Package scenarios holds the built-in scenario scripts and the parser that
// turns a script into a checked [drills.Scenario].
//
// A script is a txtar archive: the steps come first, the gates in a file named
// "gates". A line is a verb, words and key=value options; "#" starts a comment
// and a final "&" runs the step in the background. Everything is checked
// before anything starts: an error names file, line, what is wrong and what to
// write instead.
package scenarios

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/internal/input"
	"github.com/drillrun/drillrun/internal/suggest"
)

// The bounds of what a script may ask for. They are far above what any drill needs,
// and keep a slip from becoming a drill that nobody sees the end of.
const (
	DefaultReplicas = 3
	MaxReplicas     = 9
	MaxRepeat       = 1000
	MaxNesting      = 8       // of repeats
	MaxSteps        = 100_000 // with every repetition
	MaxLines        = 10_000
)

const gatesFile = "gates"

// Parse reads a script and checks it against the verbs. The error joins one
// *drills.LineError for each mistake, up to twenty.
func Parse(file string, source []byte, verbs map[string]drills.VerbSpec) (*drills.Scenario, error) {
	s, mistakes := Read(file, source, verbs)
	if err := mistakes.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// Read is Parse for whoever looks for more mistakes: the scenario has what is right
// in any case.
func Read(file string, source []byte, verbs map[string]drills.VerbSpec) (*drills.Scenario, Mistakes) {
	p := &parser{
		scenario: &drills.Scenario{File: file, Source: source, Replicas: DefaultReplicas},
		verbs:    verbs,
		verbed:   map[string]bool{},
	}
	text, err := input.Text(source)
	switch {
	case err != nil:
		p.fail(1, "", err)
	case bytes.Count(text, []byte("\n")) > MaxLines:
		p.fail(MaxLines, "", fmt.Errorf("a script may have %d lines", MaxLines))
	default:
		p.archive(txtar.Parse(text))
	}
	return p.scenario, p.mistakes
}

// ReadGates reads the gates of a script and nothing else, for a record that has been
// made by it: what a step may be is no matter any more.
func ReadGates(source []byte) []drills.GateLine {
	p := &parser{scenario: &drills.Scenario{}}
	p.sections(txtar.Parse(source))
	return p.scenario.Gates
}

// parser reads a script line by line. The innermost open block is the last of
// blocks; its steps are moved into their "repeat" at "end".
type parser struct {
	scenario *drills.Scenario
	verbs    map[string]drills.VerbSpec
	blocks   []block
	steps    int             // lines that are steps, right or wrong
	begun    bool            // a step has been read: directives are over
	verbed   map[string]bool // verbs that have been read
	mistakes Mistakes
}

// block is a repeat whose end has not been read.
type block struct {
	drills.Step
	before int // steps that stand before it
}

func (p *parser) fail(line int, text string, err error) {
	p.mistakes = append(p.mistakes, mistake(p.scenario.File, line, text, err))
}

func (p *parser) archive(archive *txtar.Archive) {
	p.script(string(archive.Comment))
	p.sections(archive)
	if len(p.mistakes) == 0 {
		p.measure()
	}
}

func (p *parser) script(text string) {
	last := 0
	for raw := range strings.Lines(text) {
		last++
		if p.scenario.Summary == "" && !p.begun {
			p.scenario.Summary = summary(raw)
		}
		if line := withoutComment(raw); line != "" {
			p.line(last, line)
		}
	}
	for _, open := range p.blocks {
		p.fail(open.Line, open.Text, errors.New("has no end: write \"end\" after the last repeated step"))
	}
	if len(p.mistakes) == 0 && len(p.scenario.Steps) == 0 {
		p.fail(max(last, 1), "", errors.New("the script has no steps: write for example \"load jobs rate=100/s &\""))
	}
}

func (p *parser) line(number int, text string) {
	words := strings.Fields(text)
	if words[0] == "abort" {
		if err := p.abort(number, text); err != nil {
			p.fail(number, text, err)
		}
		return
	}
	step := drills.Step{Line: number, Text: text, Verb: words[0]}
	words = words[1:]
	if n := len(words); n > 0 && words[n-1] == "&" {
		step.Background = true
		words = words[:n-1]
	}
	args, err := parseArgs(words)
	if err != nil {
		p.fail(number, text, err)
		return
	}
	step.Args = args
	switch step.Verb {
	case "replicas", "requires", "system":
		err = p.directive(step)
	case "repeat":
		err = p.openBlock(step)
	case "end":
		err = p.closeBlock(step)
	default:
		err = p.step(step)
	}
	if err != nil {
		p.fail(number, text, err)
	}
}

func (p *parser) openBlock(s drills.Step) error {
	p.begun = true
	n, err := wholeNumber(s.Args, MaxRepeat)
	if s.Background {
		err = errors.Join(err, errors.New("a repeat cannot run in the background: remove the &"))
	}
	if len(p.blocks) == MaxNesting {
		err = errors.Join(err, fmt.Errorf("stands in %d others, which is as deep as repeats go", MaxNesting))
	}
	s.Repeat = n
	p.steps++
	p.blocks = append(p.blocks, block{s, p.steps}) // opened even if wrong, so that its end is not wrong too
	return err
}

func (p *parser) closeBlock(s drills.Step) error {
	if len(p.blocks) == 0 {
		return errors.New("there is no repeat to end")
	}
	block := p.blocks[len(p.blocks)-1]
	p.blocks = p.blocks[:len(p.blocks)-1]
	p.add(block.Step)
	if p.steps == block.before {
		return fmt.Errorf("the repeat of line %d repeats nothing", block.Line)
	}
	return s.Args.Takes(0, 0)
}

func (p *parser) step(s drills.Step) error {
	p.begun = true
	p.steps++
	spec, ok := p.verbs[s.Verb]
	if !ok {
		known := append(slices.Collect(maps.Keys(p.verbs)), "repeat", "end", "replicas", "requires", "system", "abort")
		return suggest.Unknown("verb", s.Verb, known)
	}
	p.verbed[s.Verb] = true
	if spec.After != "" && !p.verbed[spec.After] {
		return fmt.Errorf("must stand after %q (usage: %s)", spec.After, spec.Usage)
	}
	if s.Background && !spec.Background {
		return fmt.Errorf("cannot run in the background: remove the & (usage: %s)", spec.Usage)
	}
	if err := spec.Check(s.Args); err != nil {
		return fmt.Errorf("%w (usage: %s)", err, spec.Usage)
	}
	if !s.Background && spec.Endless != nil && spec.Endless(s.Args) {
		return fmt.Errorf("would never end: add & or for=DURATION (usage: %s)", spec.Usage)
	}
	p.add(s)
	return nil
}

func (p *parser) add(s drills.Step) {
	if n := len(p.blocks); n > 0 {
		inner := &p.blocks[n-1]
		inner.Body = append(inner.Body, s)
		return
	}
	p.scenario.Steps = append(p.scenario.Steps, s)
}

// sections reads what follows the script. txtar keeps no line numbers, so the
// lines up to each marker are counted.
func (p *parser) sections(archive *txtar.Archive) {
	at := bytes.Count(archive.Comment, []byte("\n"))
	for _, f := range archive.Files {
		marker := at + 1
		at = marker + bytes.Count(f.Data, []byte("\n"))
		if f.Name != gatesFile {
			p.fail(marker, "-- "+f.Name+" --", errors.New("unknown section: after the steps comes \"-- gates --\" and nothing else"))
			continue
		}
		if len(p.scenario.Gates) > 0 {
			p.fail(marker, "-- gates --", errors.New("a second section of gates: write all gates in one"))
		}
		for i, raw := range strings.Split(string(f.Data), "\n") {
			if text := withoutComment(raw); text != "" {
				p.scenario.Gates = append(p.scenario.Gates, drills.GateLine{Line: marker + 1 + i, Text: text})
			}
		}
	}
	if len(p.scenario.Gates) == 0 && len(p.mistakes) == 0 {
		p.fail(max(at, 1), "", errors.New("no gates: end the script with \"-- gates --\" and lines such as \"lost == 0\""))
	}
}

func parseArgs(words []string) (drills.Args, error) {
	args := drills.Args{Options: map[string]string{}}
	for _, w := range words {
		name, value, isOption := strings.Cut(w, "=")
		switch {
		case !isOption:
			args.Words = append(args.Words, w)
		case name == "" || value == "":
			return args, fmt.Errorf("%q: an option is written name=value, without spaces", w)
		default:
			if _, twice := args.Options[name]; twice {
				return args, fmt.Errorf("option %s= is given twice", name)
			}
			args.Options[name] = value
		}
	}
	return args, nil
}

// withoutComment removes a comment, which starts at a "#" that begins the line
// or follows a space.
func withoutComment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			line = line[:i]
			break
		}
	}
	return strings.TrimSpace(line)
}

// summary is the text of a comment line, without the scenario's name.
func summary(line string) string {
	text, ok := strings.CutPrefix(strings.TrimSpace(line), "#")
	if !ok {
		return ""
	}
	text = strings.TrimSpace(text)
	if name, rest, found := strings.Cut(text, ": "); found && !strings.Contains(name, " ") {
		return rest
	}
	return text
}
