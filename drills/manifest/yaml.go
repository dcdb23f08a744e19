package manifest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/drillrun/drillrun/internal/input"
	"github.com/drillrun/drillrun/internal/suggest"
)

// maxSource bounds a manifest, in bytes.
const maxSource = input.MaxManifest

// maxMistakes is how many are told of one manifest: whoever has made more of them has
// probably handed over the wrong file.
const maxMistakes = 20

// The longest line that is shown whole, and what is shown of a longer one before the
// place that is meant, in characters.
const (
	maxShown = 160
	showFrom = 80
)

// Error is a mistake in a manifest, and where it stands.
type Error struct {
	File         string
	Line, Column int    // from 1
	Text         string // the line
	Err          error
}

func (e *Error) Error() string {
	number := strconv.Itoa(e.Line)
	if e.Text == "" {
		return fmt.Sprintf("%s:%s:%d: %v", e.File, number, e.Column, e.Err)
	}
	before, after := e.around()
	// Tabs stay, so that the caret stands below what is meant.
	indent := []rune(input.Line(before))
	for i, r := range indent {
		if r != '\t' {
			indent[i] = ' '
		}
	}
	return fmt.Sprintf("%s:%s:%d: %v\n  %s | %s%s\n  %s | %s^",
		e.File, number, e.Column, e.Err, number, input.Line(before), input.Line(after), strings.Repeat(" ", len(number)), string(indent))
}

// around is the line before the place that is meant, and from there on; of a long one
// what is near.
func (e *Error) around() (before, after string) {
	line := []rune(e.Text)
	at := min(e.Column-1, len(line))
	from := 0
	if len(line) > maxShown {
		from = max(0, at-showFrom)
	}
	return string(line[from:at]), string(line[at:min(len(line), from+maxShown)])
}

func (e *Error) Unwrap() error { return e.Err }

// document is a manifest that is being read, and what is wrong with it.
type document struct {
	file  string
	lines []string
	errs  []*Error
}

// value is a value and where it is named.
type value struct {
	name string     // of its field
	at   *yaml.Node // of the field, for what is missing in it
	node *yaml.Node
}

// field is one of a mapping's.
type field struct {
	required string // what it is for, where it must not be missing
	read     func(value)
}

// open reads the one document of a source. Nothing comes of a source that is no
// YAML, or has no document.
func (d *document) open(source []byte) (root value, ok bool) {
	text, err := input.Text(source)
	if err == nil && len(source) > maxSource {
		err = fmt.Errorf("a manifest has at most %d bytes, this has %d", maxSource, len(source))
	}
	if err != nil {
		d.lines = []string{""} // none that could be told
		d.failAt(1, 1, err)
		return value{}, false
	}
	d.lines = strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	from := yaml.NewDecoder(bytes.NewReader(text))
	var first, second yaml.Node
	switch err := from.Decode(&first); {
	case errors.Is(err, io.EOF):
		d.failAt(1, 1, errors.New("it is empty: a manifest begins with the system's name, such as \"name: ledger\""))
		return value{}, false
	case err != nil:
		d.malformed(err)
		return value{}, false
	}
	switch err := from.Decode(&second); {
	case err == nil:
		d.fail(&second, errors.New("a second document begins here: a manifest is one"))
		return value{}, false
	case !errors.Is(err, io.EOF):
		d.malformed(err)
		return value{}, false
	}
	body := first.Content[0]
	return value{name: "the manifest", at: body, node: body}, d.plain(body)
}

// atLine is how the parser begins what it says of a source that is no YAML.
var atLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// malformed notes what the parser says, which knows the line at best.
func (d *document) malformed(err error) {
	text, line := err.Error(), 1
	if found := atLine.FindStringSubmatch(text); found != nil {
		text = text[len(found[0]):]
		line, _ = strconv.Atoi(cmp.Or(found[1], "1")) // digits, and too many of them are no line
	}
	if line = min(max(line, 1), len(d.lines)); strings.HasPrefix(strings.TrimLeft(d.lines[line-1], " "), "\t") {
		text = "the line is indented with a tab: YAML takes spaces only"
	}
	d.failAt(line, 1, errors.New(text))
}

// plain says whether every value is written out. What is not has been noted.
func (d *document) plain(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		d.fail(n, errors.New("anchors, aliases and tags are not taken: write the value itself"))
		return false
	}
	all := true
	for _, part := range n.Content {
		all = d.plain(part) && all
	}
	return all
}

// fail notes what is wrong at a value.
func (d *document) fail(at *yaml.Node, err error) { d.failAt(at.Line, at.Column, err) }

func (d *document) failAt(line, column int, err error) {
	line = min(max(line, 1), len(d.lines))
	d.errs = append(d.errs, &Error{
		File: input.Line(d.file), Line: line, Column: max(column, 1), Text: d.lines[line-1], Err: input.Error(err),
	})
}

// wrong joins what has been noted, in the order of the file.
func (d *document) wrong() error {
	slices.SortStableFunc(d.errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	var all []error
	for i, e := range d.errs {
		if i == maxMistakes {
			all = append(all, &Error{File: e.File, Line: e.Line, Column: e.Column,
				Err: fmt.Errorf("and %d more mistakes from here on", len(d.errs)-i)})
			break
		}
		all = append(all, e)
	}
	return errors.Join(all...)
}

// The kinds of scalars, by their tags.
const (
	isNull  = "!!null"
	isBool  = "!!bool"
	isInt   = "!!int"
	isFloat = "!!float"
	isText  = "!!str"
	isTime  = "!!timestamp" // nothing here is one: it is the text that it is written as
)

// scalar says whether a value is one of these.
func scalar(n *yaml.Node, tags ...string) bool {
	return n.Kind == yaml.ScalarNode && slices.Contains(tags, n.ShortTag())
}

// want notes that a value is not what it should be.
func (d *document) want(v value, what string) {
	if scalar(v.node, isNull) {
		d.fail(v.at, fmt.Errorf("%s has no value: want %s", v.name, what))
		return
	}
	d.fail(v.node, fmt.Errorf("%s: want %s", v.name, what))
}

// mapping reads a mapping that has these fields and no others.
func (d *document) mapping(v value, fields map[string]field) {
	seen := map[string]bool{}
	known := slices.Sorted(maps.Keys(fields))
	if !d.pairs(v, "the fields "+strings.Join(known, ", "), func(p value) {
		seen[p.name] = true
		f, ok := fields[p.name]
		if !ok {
			d.fail(p.at, suggest.Unknown("field", p.name, known))
			return
		}
		f.read(p)
	}) {
		return
	}
	for _, name := range known {
		if f := fields[name]; f.required != "" && !seen[name] {
			d.fail(v.at, fmt.Errorf("%s lacks the field %q: %s", v.name, name, f.required))
		}
	}
}

// pairs reads a mapping whose keys are free. False says that it is none.
func (d *document) pairs(v value, what string, read func(value)) bool {
	if v.node.Kind != yaml.MappingNode {
		d.want(v, what)
		return false
	}
	lines := map[string]int{}
	for pair := range slices.Chunk(v.node.Content, 2) {
		key := pair[0]
		line, again := lines[key.Value]
		switch {
		case !scalar(key, isText):
			d.fail(key, fmt.Errorf("%s: want a plain word before the colon", v.name))
		case again:
			d.fail(key, fmt.Errorf("%s is there already, in line %d", key.Value, line))
		default:
			lines[key.Value] = key.Line
			read(value{name: key.Value, at: key, node: pair[1]})
		}
	}
	return true
}

// list reads a sequence of at least one value.
func (d *document) list(v value, what string, read func(value)) {
	if v.node.Kind != yaml.SequenceNode || len(v.node.Content) == 0 {
		d.want(v, "a list of "+what+", such as [a, b]")
		return
	}
	for _, n := range v.node.Content {
		read(value{name: v.name, at: v.at, node: n})
	}
}

// text reads a text that is not empty. It is empty where a mistake has been noted.
func (d *document) text(v value) string {
	switch {
	case !scalar(v.node, isText, isTime):
		d.want(v, "text")
	case v.node.Value == "":
		d.want(v, "text that is not empty")
	case strings.ContainsRune(v.node.Value, 0):
		d.want(v, "text without zero bytes")
	default:
		return v.node.Value
	}
	return ""
}

// line reads a text of one line.
func (d *document) line(v value) string {
	text := d.text(v)
	if strings.ContainsAny(text, "\r\n") {
		d.want(v, "one line")
	}
	return text
}

// word reads one of several words. It is empty where a mistake has been noted.
func (d *document) word(v value, words []string) string {
	word := d.text(v)
	if word != "" && !slices.Contains(words, word) {
		d.fail(v.node, suggest.Unknown(v.name, word, words))
		return ""
	}
	return word
}

func (d *document) boolean(v value) bool {
	var is bool
	if !scalar(v.node, isBool) || v.node.Decode(&is) != nil {
		d.want(v, "true or false")
	}
	return is
}

// longest bounds every time in a manifest: a drill has to wait for it.
const longest = time.Hour

// duration reads one that is more than zero.
func (d *document) duration(v value) time.Duration {
	return d.span(v, 1, "a duration of at most 1h: a drill may have to wait for it")
}

// span reads a duration from that on; bounds says what is wanted of one beyond.
func (d *document) span(v value, least time.Duration, bounds string) time.Duration {
	length, err := time.Duration(0), error(nil)
	if scalar(v.node, isText) {
		length, err = time.ParseDuration(v.node.Value)
	}
	switch {
	case err != nil || length <= 0:
		d.want(v, "a duration above zero, such as 500ms or 4s")
	case length < least || length > longest:
		d.want(v, bounds)
	default:
		return length
	}
	return 0
}

// status reads an HTTP status.
func (d *document) status(v value) int {
	return d.whole(v, 200, 599, "statuses of HTTP from 200 to 599")
}

// portNumber reads the number of a port, as text.
func (d *document) portNumber(v value) string {
	return strconv.Itoa(d.whole(v, 1, 65535, "the number of a port, from 1 to 65535"))
}

// whole reads a whole number from least to most.
func (d *document) whole(v value, least, most int, what string) int {
	if scalar(v.node, isInt) {
		if number, err := strconv.Atoi(v.node.Value); err == nil && number >= least && number <= most {
			return number
		}
	}
	d.want(v, what)
	return 0
}
