package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/drillrun/drillrun/internal/suggest"
)

// maxSource bounds a manifest, in bytes.
const maxSource = 64 << 10

// Error is a mistake in a manifest, and where it stands.
type Error struct {
	File         string
	Line, Column int    // from 1
	Text         string // the line
	Err          error
}

func (e *Error) Error() string {
	number := strconv.Itoa(e.Line)
	// Tabs stay, so that the caret stands below what is meant.
	indent := []rune(e.Text)
	indent = indent[:min(e.Column-1, len(indent))]
	for i, r := range indent {
		if r != '\t' {
			indent[i] = ' '
		}
	}
	return fmt.Sprintf("%s:%s:%d: %v\n  %s | %s\n  %s | %s^",
		e.File, number, e.Column, e.Err, number, e.Text, strings.Repeat(" ", len(number)), string(indent))
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
	name string       // of its field
	at   *token.Token // of the field, for what is missing in it
	node ast.Node
}

// field is one of a mapping's.
type field struct {
	required string // what it is for, where it must not be missing
	read     func(value)
}

// open reads the one document of a source. Nothing comes of a source that is no
// YAML, or has no document.
func (d *document) open(source []byte) (root value, ok bool) {
	if len(source) > maxSource {
		d.failAt(1, 1, fmt.Errorf("a manifest has at most %d bytes, this has %d", maxSource, len(source)))
		return value{}, false
	}
	file, err := parser.ParseBytes(source, 0)
	var wrong yaml.Error
	switch {
	case errors.As(err, &wrong):
		d.fail(wrong.GetToken(), errors.New(wrong.GetMessage()))
		return value{}, false
	case err != nil:
		d.failAt(1, 1, err)
		return value{}, false
	case len(file.Docs) == 0 || file.Docs[0].Body == nil:
		d.failAt(1, 1, errors.New("it is empty: a manifest begins with the system's name, such as \"name: ledger\""))
		return value{}, false
	case len(file.Docs) > 1:
		d.fail(file.Docs[1].Start, errors.New("a second document begins here: a manifest is one"))
		return value{}, false
	}
	body := file.Docs[0].Body
	return value{name: "the manifest", at: start(body), node: body}, true
}

// fail notes what is wrong at a token.
func (d *document) fail(at *token.Token, err error) {
	line, column := 1, 1
	if at != nil && at.Position != nil {
		line, column = at.Position.Line, at.Position.Column
	}
	d.failAt(line, column, err)
}

func (d *document) failAt(line, column int, err error) {
	line = min(max(line, 1), len(d.lines))
	d.errs = append(d.errs, &Error{File: d.file, Line: line, Column: max(column, 1), Text: d.lines[line-1], Err: err})
}

// wrong joins what has been noted, in the order of the file.
func (d *document) wrong() error {
	slices.SortStableFunc(d.errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	var all []error
	for _, e := range d.errs {
		all = append(all, e)
	}
	return errors.Join(all...)
}

// start is where a value begins. A mapping's own token is its first colon.
func start(n ast.Node) *token.Token {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return start(n.Values[0])
		}
	case *ast.MappingValueNode:
		return n.Key.GetToken()
	}
	return n.GetToken()
}

// want notes that a value is not what it should be.
func (d *document) want(v value, what string) {
	switch v.node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		d.fail(start(v.node), errors.New("anchors, aliases and tags are not taken: write the value itself"))
	case *ast.NullNode:
		d.fail(v.at, fmt.Errorf("%s has no value: want %s", v.name, what))
	default:
		d.fail(start(v.node), fmt.Errorf("%s: want %s", v.name, what))
	}
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
	mapping, ok := v.node.(ast.MapNode)
	if !ok {
		d.want(v, what)
		return false
	}
	for pair := mapping.MapRange(); pair.Next(); {
		key, ok := pair.Key().(*ast.StringNode)
		if !ok {
			d.fail(pair.Key().GetToken(), fmt.Errorf("%s: want a plain word before the colon", v.name))
			continue
		}
		read(value{name: key.Value, at: key.GetToken(), node: pair.Value()})
	}
	return true
}

// list reads a sequence of at least one value.
func (d *document) list(v value, what string, read func(value)) {
	sequence, ok := v.node.(*ast.SequenceNode)
	if !ok || len(sequence.Values) == 0 {
		d.want(v, "a list of "+what+", such as [a, b]")
		return
	}
	for _, n := range sequence.Values {
		read(value{name: v.name, at: v.at, node: n})
	}
}

// text reads a text that is not empty. It is empty where a mistake has been noted.
func (d *document) text(v value) string {
	var text string
	switch n := v.node.(type) {
	case *ast.StringNode:
		text = n.Value
	case *ast.LiteralNode:
		text = n.Value.Value
	default:
		d.want(v, "text")
		return ""
	}
	switch {
	case text == "":
		d.want(v, "text that is not empty")
	case strings.ContainsRune(text, 0):
		d.want(v, "text without zero bytes")
	default:
		return text
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
		d.fail(start(v.node), suggest.Unknown(v.name, word, words))
		return ""
	}
	return word
}

func (d *document) boolean(v value) bool {
	n, ok := v.node.(*ast.BoolNode)
	if !ok {
		d.want(v, "true or false")
		return false
	}
	return n.Value
}

// duration reads one that is more than zero.
func (d *document) duration(v value) time.Duration {
	n, ok := v.node.(*ast.StringNode)
	if ok {
		if length, err := time.ParseDuration(n.Value); err == nil && length > 0 {
			return length
		}
	}
	d.want(v, "a duration above zero, such as 500ms or 4s")
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
	if n, ok := v.node.(*ast.IntegerNode); ok {
		if number, err := strconv.Atoi(fmt.Sprint(n.Value)); err == nil && number >= least && number <= most {
			return number
		}
	}
	d.want(v, what)
	return 0
}
