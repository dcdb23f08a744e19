package manifest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drillrun/drillrun/internal/suggest"
)

func (r *reader) replica(v value) {
	s := &r.system.replica
	r.process(v, s, replicaVariables(r.system.brought), map[string]field{
		"ready": {required: "the path that answers 200 once a replica takes work", read: func(v value) { r.ready(v, &s.ready, "such as /ready") }},
	})
}

// process reads how a process is started, and more fields.
func (r *reader) process(v value, s *processSpec, variables []string, more map[string]field) {
	s.ready.within = defaultWithin
	made := false
	var settings []value
	var numbers []*yaml.Node
	fields := map[string]field{
		"image": {read: func(v value) {
			made = true
			s.image = r.line(v)
		}},
		"command": {read: func(v value) {
			made = true
			r.list(v, "the program and its arguments", func(v value) { s.command = append(s.command, r.startText(v, variables)) })
		}},
		"missing": {read: func(v value) { s.missing = r.line(v) }},
		"environment": {read: func(v value) {
			r.pairs(v, "variables, such as {LOG_LEVEL: debug}", func(v value) {
				settings = append(settings, v)
				r.setting(v, s, variables)
			})
		}},
		"ports": {required: "where it listens, such as {http: LISTEN}", read: func(v value) { numbers = r.ports(v, s) }},
		"grace": {read: func(v value) { s.grace = r.duration(v) }},
	}
	maps.Copy(fields, more)
	if r.mapping(v, fields); !made {
		r.fail(v.at, fmt.Errorf(`%s lacks a "command" (the program and its arguments, as a list) or an "image"`, v.name))
	}
	for _, at := range numbers {
		if s.image == "" {
			r.fail(at, errors.New("a program has to be told where to listen: want the name of a variable of the environment, which has host:port"))
		}
	}
	for _, v := range settings {
		if slices.ContainsFunc(s.ports, func(p portSpec) bool { return p.variable == v.name }) {
			r.fail(v.at, fmt.Errorf("%s is set already: it says where to listen", v.name))
		}
	}
}

// startText reads a template of a process's start.
func (r *reader) startText(v value, variables []string) template {
	t, err := parseTemplateBy(r.text(v), func(name string) error {
		if strings.HasPrefix(name, callerPrefix) {
			return r.secret(name)
		}
		return oneOf(name, variables)
	})
	if err != nil {
		r.fail(v.node, err)
	}
	r.starts = append(r.starts, started{t, v.node})
	return t
}

// setting reads a variable of the environment.
func (r *reader) setting(v value, s *processSpec, variables []string) {
	if !variableName.MatchString(v.name) {
		r.fail(v.at, fmt.Errorf("%q is no name of a variable", v.name))
		return
	}
	set := setting{name: v.name}
	if scalar(v.node, isInt, isFloat, isBool) {
		set.value = template{{text: v.node.Value}} // as good as a text here, as it is written
	} else {
		set.value = r.startText(v, variables)
	}
	s.environment = append(s.environment, set)
}

// ports reads where it listens. What is a number is told apart: only an image
// listens where it is used to.
func (r *reader) ports(v value, s *processSpec) (numbers []*yaml.Node) {
	is := r.pairs(v, "ports with the variables that tell where to listen, such as {http: LISTEN}", func(v value) {
		port := portSpec{name: r.portName(v)}
		if scalar(v.node, isInt) {
			port.variable = r.portNumber(v)
			numbers = append(numbers, v.node)
		} else {
			port.variable = r.matching(v, variableName, "the name of a variable of the environment, which has host:port")
		}
		if slices.ContainsFunc(s.ports, func(p portSpec) bool { return p.variable == port.variable }) {
			r.fail(v.node, fmt.Errorf("%s is another port's", port.variable))
		}
		s.ports = append(s.ports, port)
	})
	if is && len(s.ports) == 0 {
		r.fail(v.at, errors.New("it has to listen on a port, such as {http: LISTEN}"))
	}
	return numbers
}

// portName reads the name of a port, which is that of a field.
func (r *reader) portName(v value) string {
	if !plainName.MatchString(v.name) {
		r.fail(v.at, fmt.Errorf("%q is no name of a port: want letters, digits, dots, dashes and underscores", v.name))
	}
	return v.name
}

// checkPorts wants every request to go to a port that there is. Without a choice
// it need not be named.
func (r *reader) checkPorts() {
	for _, s := range r.requests {
		var known []string
		for _, p := range s.to.ports {
			known = append(known, p.name)
		}
		switch {
		case len(known) == 0: // that has been told
		case s.request.port == "" && len(known) == 1:
			s.request.port = known[0]
		case s.request.port == "":
			r.fail(s.at, fmt.Errorf("there are several ports: say which, as \"port: %s\"", known[0]))
		case !slices.Contains(known, s.request.port):
			r.fail(s.at, suggest.Unknown("port", s.request.port, known))
		}
	}
}
