package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/internal/suggest"
)

// template is a text with variables.
type template []part

// part is a piece of a template: a text, or the name of a variable.
type part struct{ text, variable string }

// parseTemplate reads a text in which those variables may stand.
func parseTemplate(text string, known []string) (template, error) {
	return parseTemplateBy(text, func(name string) error { return oneOf(name, known) })
}

// oneOf wants a variable to be one of those.
func oneOf(name string, known []string) error {
	switch {
	case len(known) == 0:
		return fmt.Errorf("${%s}: there are no variables here", name)
	case !slices.Contains(known, name):
		return suggest.Unknown("variable", name, known)
	}
	return nil
}

// parseTemplateBy reads a text in which those variables may stand that check takes.
func parseTemplateBy(text string, check func(name string) error) (template, error) {
	var t template
	for text != "" {
		before, after, found := strings.Cut(text, "${")
		switch {
		case !found:
			return append(t, part{text: text}), nil
		case strings.HasSuffix(before, "$"):
			t, text = append(t, part{text: before + "{"}), after
			continue
		case before != "":
			t = append(t, part{text: before})
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed {
			return nil, errors.New(`"${" opens a variable that is not closed by "}"; a plain "${" is written "$${"`)
		}
		if err := check(name); err != nil {
			return nil, err
		}
		t, text = append(t, part{variable: name}), rest
	}
	return t, nil
}

// uses says whether a variable stands in the template whose name begins so.
func (t template) uses(prefix string) bool {
	return slices.ContainsFunc(t, func(p part) bool { return strings.HasPrefix(p.variable, prefix) && p.variable != "" })
}

// fill puts the values in, each as escape makes it fit.
func (t template) fill(values map[string]string, escape func(variable, value string) string) string {
	var b strings.Builder
	for _, p := range t {
		b.WriteString(p.text)
		if p.variable != "" {
			b.WriteString(escape(p.variable, values[p.variable]))
		}
	}
	return b.String()
}

// plain has every value as it is.
func plain(_, value string) string { return value }
