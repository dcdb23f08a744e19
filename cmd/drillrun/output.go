package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/term"

	"github.com/drillrun/drillrun/reports"
)

// formats lists the formats of reports for people.
func formats[W any](all map[string]W) string {
	return strings.Join(slices.Sorted(maps.Keys(all)), ", ")
}

// pipe is standard output. That nobody reads on is no error: `drillrun check RUN |
// head -1` has the exit code of its verdict.
type pipe struct{ w io.Writer }

func (p *pipe) Write(text []byte) (int, error) {
	n, err := p.w.Write(text)
	if errors.Is(err, syscall.EPIPE) {
		return len(text), nil
	}
	return n, err
}

// screen is the file of a terminal, if that is what w leads to.
func screen(w io.Writer) (*os.File, bool) {
	if p, ok := w.(*pipe); ok {
		w = p.w
	}
	f, ok := w.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// columns is how wide a terminal is; 0 where that is not known.
func columns(f *os.File) int {
	wide, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return wide
}

// terminal is the writer for that output, as wide and as colourful as it allows.
func terminal(w io.Writer) reports.Terminal {
	f, ok := screen(w)
	if !ok {
		return reports.Terminal{}
	}
	return reports.Terminal{Color: os.Getenv("NO_COLOR") == "", Width: columns(f)}
}

// writeTable prints the table for people. What kept the command from doing all is
// told elsewhere; where it has done nothing, there is no table.
func writeTable(w io.Writer, d reports.Document) error {
	if len(d.Runs) == 0 && d.Error != nil {
		return nil
	}
	d.Error = nil
	return terminal(w).Write(w, d)
}

// tell writes a document to standard output, and its reports.
func tell[D any](stdout io.Writer, d D, write func(io.Writer, D) error, outputs []*output[D]) error {
	var errs []error
	if err := write(stdout, d); err != nil {
		errs = append(errs, fmt.Errorf("write to standard output: %w", err))
	}
	for _, out := range outputs {
		errs = append(errs, out.save(stdout, d))
	}
	return errors.Join(errs...)
}
