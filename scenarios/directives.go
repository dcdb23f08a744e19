package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/internal/suggest"
)

// directive reads "replicas" and "requires".
func (p *parser) directive(s drills.Step) error {
	if p.begun {
		return errLateDirective(s.Verb)
	}
	if s.Background {
		return fmt.Errorf("%q cannot run in the background: remove the &", s.Verb)
	}
	if s.Verb == "replicas" {
		n, err := wholeNumber(s.Args, MaxReplicas)
		p.scenario.Replicas = n
		return err
	}
	if err := s.Args.Takes(1, 8); err != nil {
		return err
	}
	for _, word := range s.Args.Words {
		if !slices.Contains(drills.Capabilities(), word) {
			return suggest.Unknown("capability", word, drills.Capabilities())
		}
	}
	p.scenario.Requires = append(p.scenario.Requires, s.Args.Words...)
	return nil
}

// abort reads "abort when CONDITION". A condition is written like a gate, with
// operators that would not be arguments of a step.
func (p *parser) abort(line int, text string) error {
	if p.begun {
		return errLateDirective("abort")
	}
	when, condition, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(text, "abort")), " ")
	if when != "when" || strings.TrimSpace(condition) == "" {
		return errors.New("write \"abort when\" and what is more than its bound, such as \"abort when duplicates > 0\"")
	}
	p.scenario.Aborts = append(p.scenario.Aborts, drills.GateLine{Line: line, Text: strings.TrimSpace(condition)})
	return nil
}

func errLateDirective(word string) error {
	return fmt.Errorf("%q must stand before the first step", word)
}

func wholeNumber(a drills.Args, most int) (int, error) {
	if err := a.Takes(1, 1); err != nil {
		return 0, fmt.Errorf("%w: want a whole number from 1 to %d", err, most)
	}
	n, err := strconv.Atoi(a.Words[0])
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("want a whole number from 1 to %d", most)
	}
	return n, nil
}
