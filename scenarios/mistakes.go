package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/internal/input"
)

// maxMistakes is how many are told of one script: whoever has made more of them has
// probably handed over the wrong file.
const maxMistakes = 20

// Mistakes are what is wrong with a script.
type Mistakes []*drills.LineError

// mistake is one, with somebody's words made fit to be told.
func mistake(file string, line int, text string, err error) *drills.LineError {
	return &drills.LineError{File: input.Line(file), Line: line, Text: input.Line(text), Err: input.Error(err)}
}

// In adds what is wrong with a line that was read elsewhere, such as a gate.
func (m Mistakes) In(file string, line drills.GateLine, err error) Mistakes {
	return append(m, mistake(file, line.Line, line.Text, err))
}

// Err joins the mistakes in the order of their lines, so many of them as anybody
// reads; nil where there are none.
func (m Mistakes) Err() error {
	sorted := slices.Clone(m)
	slices.SortStableFunc(sorted, func(a, b *drills.LineError) int { return cmp.Compare(a.Line, b.Line) })
	told := sorted
	if len(sorted) > maxMistakes {
		next := sorted[maxMistakes]
		told = append(told[:maxMistakes:maxMistakes], &drills.LineError{
			File: next.File, Line: next.Line, Err: fmt.Errorf("and %d more mistakes from here on", len(sorted)-maxMistakes),
		})
	}
	var errs []error
	for _, e := range told {
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}
