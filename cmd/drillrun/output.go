package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/drillrun/drillrun/internal/suggest"
	"github.com/drillrun/drillrun/reports"
)

// formatNames are the formats of reports, sorted.
func formatNames() []string { return slices.Sorted(maps.Keys(reports.Formats())) }

// formats lists them for people.
func formats() string { return strings.Join(formatNames(), ", ") }

// writeTable prints the table for people, as wide and as colourful as the
// output allows.
func writeTable(w io.Writer, d reports.Document) error {
	t := reports.Terminal{}
	if f, ok := w.(*os.File); ok && isTerminal(w) {
		t.Color = os.Getenv("NO_COLOR") == ""
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			t.Width = columns
		}
	}
	return t.Write(w, d)
}

// output is a report to be written to a file.
type output struct {
	file  string
	write reports.Writer
}

// parseReports reads the values of --report, FORMAT=FILE.
func parseReports(values []string) ([]output, error) {
	var outputs []output
	for _, v := range values {
		format, file, ok := strings.Cut(v, "=")
		if !ok || file == "" {
			return nil, fmt.Errorf("--report %s: want FORMAT=FILE, such as junit=report.xml", v)
		}
		write, ok := reports.Formats()[format]
		if !ok {
			return nil, fmt.Errorf("--report %s: %w", v, suggest.Unknown("format", format, formatNames()))
		}
		outputs = append(outputs, output{file, write})
	}
	return outputs, nil
}

// save writes the report. The file is private: a report may quote logs.
func (o output) save(d reports.Document) error {
	f, err := os.OpenFile(o.file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := errors.Join(o.write(f, d), f.Close()); err != nil {
		return fmt.Errorf("write report %s: %w", o.file, err)
	}
	return nil
}
