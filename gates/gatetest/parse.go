package gatetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// Parse reads hand-made events, one a line: time, actor, operation, phase, and
// details as name=value.
//
//	10ms  client/1  submit ok  subject=job/1            # a comment
//	1s    engine    snapshot ok  key=rest unfinished=0
//	1s +5ms x100  client/1  submit ok  subject=job/{n}
//
// "+5ms x100" repeats a line a hundred times, five milliseconds apart, with {n}
// counting from 1. Values with blanks stand in quotes; lists are separated by
// commas. The details key and err are those of the event; all others are those
// of the operation's detail in package history. An effect's outcome is accepted
// unless it says otherwise.
func Parse(text string) ([]history.Event, error) {
	var events []history.Event
	number := 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(line, "#")
		words := split(line)
		if len(words) == 0 {
			continue
		}
		more, err := parseLine(words)
		if err != nil {
			return nil, fmt.Errorf("history line %d: %w", number, err)
		}
		events = append(events, more...)
	}
	for i := range events {
		events[i].Seq = uint64(i) + 1
	}
	return events, nil
}

// split cuts a line at blanks that are not in quotes, and drops the quotes.
func split(line string) []string {
	quoted := false
	words := strings.FieldsFunc(line, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && (r == ' ' || r == '\t' || r == '\n')
	})
	for i, w := range words {
		words[i] = strings.ReplaceAll(w, `"`, "")
	}
	return words
}

func parseLine(words []string) ([]history.Event, error) {
	at, err := time.ParseDuration(words[0])
	if err != nil {
		return nil, err
	}
	words = words[1:]
	every, times := time.Duration(0), 1
	if len(words) > 1 && strings.HasPrefix(words[0], "+") {
		if every, err = time.ParseDuration(words[0]); err != nil {
			return nil, err
		}
		if times, err = strconv.Atoi(strings.TrimPrefix(words[1], "x")); err != nil {
			return nil, err
		}
		words = words[2:]
	}
	if len(words) < 3 {
		return nil, fmt.Errorf("want time, actor, operation, phase, not %q", words)
	}
	var events []history.Event
	for n := range times {
		e, err := parseEvent(words, strconv.Itoa(n+1))
		if err != nil {
			return nil, err
		}
		e.At = at + time.Duration(n)*every
		events = append(events, e)
	}
	return events, nil
}

func parseEvent(words []string, n string) (history.Event, error) {
	e := history.Event{Actor: words[0], Op: words[1], Phase: history.Phase(words[2])}
	detail := map[string]string{}
	if e.Op == history.OpEffect {
		detail["outcome"] = string(history.Accepted)
	}
	for _, word := range words[3:] {
		name, value, ok := strings.Cut(strings.ReplaceAll(word, "{n}", n), "=")
		switch {
		case !ok:
			return e, fmt.Errorf("want name=value, not %q", word)
		case name == "key":
			e.Key = value
		case name == "err":
			e.Err = value
		default:
			detail[name] = value
		}
	}
	if len(detail) == 0 {
		return e, nil
	}
	shape, err := shapeOf(e.Op)
	if err != nil {
		return e, err
	}
	e.Detail, err = encode(detail, shape)
	return e, err
}

// shapeOf is the detail of an operation, empty.
func shapeOf(op string) (any, error) {
	switch op {
	case history.OpSubmit:
		return history.Submit{}, nil
	case history.OpTook:
		return history.Durations{}, nil
	case history.OpEffect, history.OpCall:
		return history.Effect{}, nil
	case history.OpPlan, history.OpInject, history.OpRecover:
		return history.Fault{}, nil
	case history.OpLoad:
		return history.Load{}, nil
	case history.OpDrain:
		return history.Drain{}, nil
	case history.OpSnapshot:
		return history.Snapshot{}, nil
	case history.OpRead:
		return history.Read{}, nil
	case history.OpExit:
		return history.Exit{}, nil
	case history.OpRefused:
		return history.Refused{}, nil
	case history.OpStall:
		return history.Stall{}, nil
	case history.OpTrouble:
		return history.Trouble{}, nil
	case history.OpStep:
		return history.Step{}, nil
	}
	return nil, fmt.Errorf("operation %q has no details here", op)
}

// encode makes JSON of named values, each typed as the field of the shape.
func encode(detail map[string]string, shape any) (json.RawMessage, error) {
	typed := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(detail)) {
		field, ok := fieldType(reflect.TypeOf(shape), name)
		if !ok {
			return nil, fmt.Errorf("%T has no %q", shape, name)
		}
		v, err := typedValue(field, detail[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		typed[name] = v
	}
	return json.Marshal(typed)
}

func fieldType(shape reflect.Type, name string) (reflect.Type, bool) {
	if shape.Kind() == reflect.Map {
		return shape.Elem(), true
	}
	for i := range shape.NumField() {
		tag, _, _ := strings.Cut(shape.Field(i).Tag.Get("json"), ",")
		if tag == name {
			return shape.Field(i).Type, true
		}
	}
	return nil, false
}

func typedValue(t reflect.Type, value string) (any, error) {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return time.ParseDuration(value)
	case t.Kind() == reflect.String:
		return value, nil
	case t == reflect.TypeFor[[]time.Duration]():
		return durations(value)
	case t.Kind() == reflect.Slice:
		return strings.Split(value, ","), nil
	case t.Kind() == reflect.Map:
		return map[string]string{"shows": value}, nil
	}
	var v any // numbers and booleans are what they are in JSON
	err := json.Unmarshal([]byte(value), &v)
	return v, err
}

func durations(list string) ([]time.Duration, error) {
	var all []time.Duration
	for text := range strings.SplitSeq(list, ",") {
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}
