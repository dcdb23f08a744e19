package scenarios

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/internal/suggest"
)

// directive reads "replicas", "requires" and "system".
func (p *parser) directive(s drills.Step) error {
	if p.begun {
		return errLateDirective(s.Verb)
	}
	if s.Background {
		return fmt.Errorf("%q cannot run in the background: remove the &", s.Verb)
	}
	switch s.Verb {
	case "replicas":
		n, err := wholeNumber(s.Args, MaxReplicas)
		p.scenario.Replicas = n
		return err
	case "system":
		return p.options(s.Args)
	}
	return p.requires(s.Args)
}

// requires reads what the system must offer.
func (p *parser) requires(a drills.Args) error {
	if err := a.Takes(1, 8); err != nil {
		return err
	}
	for _, word := range a.Words {
		if !slices.Contains(drills.Capabilities(), word) {
			return suggest.Unknown("capability", word, drills.Capabilities())
		}
	}
	p.scenario.Requires = append(p.scenario.Requires, a.Words...)
	return nil
}

// options reads how the system is to be set up. Which options there are is the
// system's to know.
func (p *parser) options(a drills.Args) error {
	if len(a.Words) > 0 || len(a.Options) == 0 {
		return errors.New("write the system's options as NAME=VALUE, such as \"system leadership=spread\"")
	}
	if p.scenario.Options == nil {
		p.scenario.Options = map[string]string{}
	}
	maps.Copy(p.scenario.Options, a.Options)
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
