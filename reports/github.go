package reports

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/drillrun/drillrun/gates"
)

// GitHub writes the document as workflow commands, which GitHub Actions reads
// off a step's output and shows as annotations: an error for each gate that
// failed and for what kept the command from doing all, a warning for each unknown
// gate and for each doubt about a whole drill, and a notice that sums up. It shows ten errors and ten warnings a step, so
// that what has one reason is told once.
func GitHub(w io.Writer, d Document) error {
	var b strings.Builder
	for _, r := range d.Runs {
		if r.Verdict == gates.Unknown && len(r.Why) > 0 {
			b.WriteString(annotation("warning", r.File, 0, r.Scenario+": unknown", strings.Join(r.Why, "\n"), again(r.Repeat)))
		}
		for _, g := range r.Gates {
			b.WriteString(gateAnnotation(r, g))
		}
	}
	if d.Error != nil {
		b.WriteString(annotation("error", "", 0, "drillrun: "+d.Error.Kind(), d.Error.Why))
	}
	if vain := d.vain(); vain != "" {
		b.WriteString(annotation("warning", "", 0, "drillrun: unknown", vain))
	}
	b.WriteString(annotation("notice", "", 0, "drillrun", summary(d)))
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write annotations: %w", err)
	}
	return nil
}

func gateAnnotation(r Results, g Gate) string {
	title := r.Scenario + ": " + g.Gate
	switch {
	case g.Verdict == gates.Fail:
		return annotation("error", r.File, g.Line, title, "observed "+g.Observed, g.Why, again(repeatOf(r, g)))
	case g.Verdict == gates.Unknown && !contains(r.Why, g.Why):
		return annotation("warning", r.File, g.Line, title, "unknown: "+g.Why, again(repeatOf(r, g)))
	}
	return ""
}

func again(repeat string) string {
	if repeat == "" {
		return ""
	}
	return "repeat: " + repeat
}

// annotation is one workflow command, at a line of a file where these are known.
func annotation(level, file string, line int, title string, message ...string) string {
	var properties []string
	add := func(name, value string) {
		properties = append(properties, name+"="+propertyEscapes.Replace(clean(value)))
	}
	if file != "" {
		add("file", file)
		if line > 0 {
			add("line", strconv.Itoa(line))
		}
	}
	add("title", title)
	var text []string
	for _, m := range message {
		if m != "" {
			text = append(text, messageEscapes.Replace(PlainLines(m)))
		}
	}
	return fmt.Sprintf("::%s %s::%s\n", level, strings.Join(properties, ","), strings.Join(text, "%0A"))
}

// What GitHub would take for its own syntax.
var (
	messageEscapes  = strings.NewReplacer("%", "%25", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", ":", "%3A", ",", "%2C")
)
