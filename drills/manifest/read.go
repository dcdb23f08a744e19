package manifest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/internal/suggest"
)

var (
	storeRoles = []string{string(drills.RolePostgres), string(drills.RoleRedis)}

	plainName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// reader makes a system of a document.
type reader struct {
	document
	system System
	// What is checked once everything has been read: what uses a store, what is
	// in the environment, and what goes to a port.
	starts   []placed[template]
	settings []placed[string]
	requests []placed[*requestSpec]
}

// placed is something that has been read, and where it stands.
type placed[T any] struct {
	what T
	at   *token.Token
}

func (r *reader) manifest(root value) {
	s, leader := &r.system, root
	r.mapping(root, map[string]field{
		"name": {required: "what reports call the system", read: func(v value) {
			s.name = r.matching(v, plainName, "a name of letters, digits, dots, dashes and underscores")
		}},
		"stores":  {read: r.stores},
		"replica": {required: "how a replica is started", read: r.replica},
		"submit":  {read: r.submit},
		"leader": {read: func(v value) {
			leader = v
			r.leader(v)
		}},
		"guarantees": {required: "what the system promises", read: r.guarantees},
		"settle": {required: "the longest lease, sweep or retry of the system, plus what they add up to", read: func(v value) {
			s.settle = r.duration(v)
		}},
	})
	s.guarantees.Jobs = s.submit != nil
	r.checkStores()
	r.checkEnvironment()
	r.checkPorts()
	if s.leader != nil && !s.guarantees.Leader {
		r.fail(leader.at, errors.New(`it says how to ask for a leader, and promises none: write "leader: true" among the guarantees`))
	}
}

func (r *reader) stores(v value) {
	r.list(v, "stores", func(v value) {
		v.name = "store"
		role, ok := r.word(v, storeRoles)
		if ok && slices.Contains(r.system.stores, drills.Role(role)) {
			r.fail(start(v.node), fmt.Errorf("%s is there already", role))
		}
		r.system.stores = append(r.system.stores, drills.Role(role))
	})
}

func (r *reader) guarantees(v value) {
	g := &r.system.guarantees
	r.mapping(v, map[string]field{
		"leader": {required: "true where one replica leads and its effects carry a term", read: func(v value) { g.Leader = r.boolean(v) }},
		"effects": {required: "how often an acknowledged job takes effect", read: func(v value) {
			word, _ := r.word(v, []string{string(drills.AtLeastOnce), string(drills.ExactlyOnce)})
			g.Effects = drills.Delivery(word)
		}},
		"means": {read: func(v value) {
			r.list(v, "means", func(v value) {
				word, _ := r.word(v, []string{"transaction", "key", "fencing"})
				g.Means = append(g.Means, word)
			})
		}},
	})
}

func (r *reader) replica(v value) {
	s := &r.system.replica
	r.mapping(v, map[string]field{
		"command": {required: "the program and its arguments, as a list", read: func(v value) {
			r.list(v, "the program and its arguments", func(v value) { s.command = append(s.command, r.started(v)) })
		}},
		"environment": {read: r.environment},
		"ports":       {required: "where a replica listens, such as {http: LISTEN}", read: r.ports},
		"ready":       {required: "the path that answers 200 once a replica takes work", read: r.ready},
		"grace":       {read: func(v value) { s.grace = r.duration(v) }},
	})
}

// started reads a template of a replica's start.
func (r *reader) started(v value) template {
	t := r.template(v, startVariables())
	r.starts = append(r.starts, placed[template]{t, start(v.node)})
	return t
}

func (r *reader) environment(v value) {
	r.pairs(v, "variables, such as {LOG_LEVEL: debug}", func(v value) {
		if !variableName.MatchString(v.name) {
			r.fail(v.at, fmt.Errorf("%q is no name of a variable", v.name))
			return
		}
		r.settings = append(r.settings, placed[string]{v.name, v.at})
		s := setting{name: v.name}
		switch n := v.node.(type) {
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
			s.value = template{{text: n.GetToken().Value}} // as good as a text here, as it is written
		default:
			s.value = r.started(v)
		}
		r.system.replica.environment = append(r.system.replica.environment, s)
	})
}

func (r *reader) ports(v value) {
	is := r.pairs(v, "ports with the variables that tell a replica where to listen, such as {http: LISTEN}", func(v value) {
		if !plainName.MatchString(v.name) {
			r.fail(v.at, fmt.Errorf("%q is no name of a port: want letters, digits, dots, dashes and underscores", v.name))
		}
		variable := r.matching(v, variableName, "the name of a variable of the environment, which has host:port")
		if slices.ContainsFunc(r.system.replica.ports, func(p portSpec) bool { return p.variable == variable }) {
			r.fail(start(v.node), fmt.Errorf("%s is another port's variable", variable))
		}
		r.system.replica.ports = append(r.system.replica.ports, portSpec{v.name, variable})
	})
	if is && len(r.system.replica.ports) == 0 {
		r.fail(v.at, errors.New("a replica has to listen on a port, such as {http: LISTEN}"))
	}
}

// matching reads a text of a certain form.
func (r *reader) matching(v value, form *regexp.Regexp, what string) string {
	text, ok := r.text(v)
	if ok && !form.MatchString(text) {
		r.want(v, what)
	}
	return text
}

// template reads a text with variables.
func (r *reader) template(v value, known []string) template {
	text, ok := r.text(v)
	if !ok {
		return nil
	}
	t, err := parseTemplate(text, known)
	if err != nil {
		r.fail(start(v.node), err)
	}
	return t
}

// checkStores wants every store that is used to be asked for.
func (r *reader) checkStores() {
	for _, p := range r.starts {
		for _, role := range storeRoles {
			if p.what.uses(role+".") && !slices.Contains(r.system.stores, drills.Role(role)) {
				r.fail(p.at, fmt.Errorf("it uses %s, which is not among the stores: write \"stores: [%s]\"", role, role))
			}
		}
	}
}

// checkEnvironment wants a variable to say one thing.
func (r *reader) checkEnvironment() {
	for _, s := range r.settings {
		if slices.ContainsFunc(r.system.replica.ports, func(p portSpec) bool { return p.variable == s.what }) {
			r.fail(s.at, fmt.Errorf("%s is set already: it is where the replica finds its port", s.what))
		}
	}
}

// checkPorts wants every request to go to a port that there is. Without a choice
// it need not be named.
func (r *reader) checkPorts() {
	var known []string
	for _, p := range r.system.replica.ports {
		known = append(known, p.name)
	}
	for _, p := range r.requests {
		switch {
		case len(known) == 0: // that has been told
		case p.what.port == "" && len(known) == 1:
			p.what.port = known[0]
		case p.what.port == "":
			r.fail(p.at, fmt.Errorf("there are several ports: say which, as \"port: %s\"", known[0]))
		case !slices.Contains(known, p.what.port):
			r.fail(p.at, suggest.Unknown("port", p.what.port, known))
		}
	}
}
