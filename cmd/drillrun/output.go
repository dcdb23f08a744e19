package main

import (
	"bytes"
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

// formats lists the formats of reports for people.
func formats[W any](all map[string]W) string {
	return strings.Join(slices.Sorted(maps.Keys(all)), ", ")
}

// writeTable prints the table for people, as wide and as colourful as the
// output allows.
func writeTable(w io.Writer, d reports.Document) error { return terminal(w).Write(w, d) }

// terminal is the writer for that output.
func terminal(w io.Writer) reports.Terminal {
	t := reports.Terminal{}
	if f, ok := w.(*os.File); ok && isTerminal(w) {
		t.Color = os.Getenv("NO_COLOR") == ""
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			t.Width = columns
		}
	}
	return t
}

// standardOutput is the name of that as the file of a report.
const standardOutput = "-"

// output is a report of a D to be written to a file, or to standard output.
type output[D any] struct {
	file  string
	write func(io.Writer, D) error
}

// parseReports reads the values of --report, FORMAT=FILE. With --json, standard
// output is that one document and nothing else.
func parseReports[D any, W ~func(io.Writer, D) error](values []string, formats map[string]W, json bool) ([]output[D], error) {
	var outputs []output[D]
	for _, v := range values {
		format, file, ok := strings.Cut(v, "=")
		if !ok || file == "" {
			return nil, fmt.Errorf("--report %s: want FORMAT=FILE, such as markdown=report.md", v)
		}
		write, ok := formats[format]
		if !ok {
			return nil, fmt.Errorf("--report %s: %w", v, suggest.Unknown("format", format, slices.Collect(maps.Keys(formats))))
		}
		if json && file == standardOutput {
			return nil, errors.New("--json has standard output for itself: write the report to a file")
		}
		outputs = append(outputs, output[D]{file, write})
	}
	return outputs, nil
}

// tell writes a document to standard output, and its reports.
func tell[D any](stdout io.Writer, d D, write func(io.Writer, D) error, outputs []output[D]) error {
	errs := []error{write(stdout, d)}
	for _, out := range outputs {
		errs = append(errs, out.save(stdout, d))
	}
	return errors.Join(errs...)
}

// save writes the report. The file is private: a report may quote logs. It is
// left as it was where there is no report to write.
func (o output[D]) save(stdout io.Writer, d D) error {
	if o.file == standardOutput {
		return o.write(stdout, d)
	}
	var b bytes.Buffer
	if err := o.write(&b, d); err != nil {
		return fmt.Errorf("write report %s: %w", o.file, err)
	}
	if err := os.WriteFile(o.file, b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
