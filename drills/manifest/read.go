package manifest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/drillrun/drillrun/drills"
)

var (
	plainName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// leastSettle is the shortest settle time: a machine that is busy is late by as much.
const leastSettle = 100 * time.Millisecond

// reader makes a system of a document.
type reader struct {
	document
	system System
	to     *processSpec // whose requests are read
	keys   *yaml.Node   // where it is said whether concurrency keys are heeded

	leaderships *yaml.Node // where they are named
	// What is checked once everything has been read: what uses a store, and what
	// goes to a port.
	starts   []started
	requests []sent
}

// started is a template of a process's start, and where it stands.
type started struct {
	template template
	at       *yaml.Node
}

// sent is a request, whom it is sent to, and where it stands.
type sent struct {
	request *requestSpec
	to      *processSpec
	at      *yaml.Node
}

func (r *reader) manifest(root value) {
	s, stores, submit, read, leader := &r.system, root, root, root, root
	r.to = &s.replica
	var replica, compose value // are read last: every store has variables there
	r.mapping(root, map[string]field{
		"name": {required: "what reports call the system", read: func(v value) {
			s.name = r.matching(v, plainName, "a name of letters, digits, dots, dashes and underscores")
		}},
		"version": {read: func(v value) { s.version = r.line(v) }},
		"stores": {read: func(v value) {
			stores = v
			r.stores(v)
		}},
		"replica": {read: func(v value) { replica = v }},
		"compose": {read: func(v value) { compose = v }},
		"submit": {read: func(v value) {
			submit = v
			r.submit(v)
		}},
		"read": {read: func(v value) {
			read = v
			r.readJob(v)
		}},
		"leader": {read: func(v value) {
			leader = v
			r.leader(v)
		}},
		"inspect":    {read: r.inspect},
		"stop":       {read: r.stop},
		"guarantees": {required: "what the system promises", read: r.guarantees},
		"settle": {required: "the longest lease, sweep or retry of the system, plus what they add up to", read: func(v value) {
			s.settle = r.span(v, leastSettle, "a duration from 100ms to 1h: so long a drill waits before it calls a job lost, "+
				"and a time that no lease, sweep or retry keeps accuses a sound system")
		}},
	})
	s.guarantees.Jobs = s.submit != nil
	r.made(root, stores, replica, compose)
	r.checkKeys(submit)
	r.checkLeaderships()
	if s.read != nil && s.submit == nil {
		r.fail(read.at, errors.New(`it says how to ask about a job, and takes none: write how one is submitted, as "submit"`))
	}
	if s.leader != nil && !s.guarantees.Leader {
		r.fail(leader.at, errors.New(`it says how to ask for a leader, and promises none: write "leader: true" among the guarantees`))
	}
}

// made reads how a system comes to be: its replicas are started, or run already.
func (r *reader) made(root, stores, replica, compose value) {
	switch {
	case replica.node != nil && compose.node != nil:
		r.fail(compose.at, errors.New("a replica is started, or runs already: write one of \"replica\" and \"compose\""))
	case replica.node != nil:
		r.replica(replica)
		r.checkStores()
		r.checkPorts()
		r.findBackends()
	case compose.node == nil:
		r.fail(root.at, errors.New(`the manifest lacks a "replica" (how a replica is started) or a "compose" (a project that runs already)`))
	case stores.at != root.at:
		r.fail(stores.at, errors.New("the stores of a project are named among the fields of \"compose\""))
	default:
		r.compose(compose)
		r.checkPorts()
	}
}

func (r *reader) guarantees(v value) {
	g := &r.system.guarantees
	r.mapping(v, map[string]field{
		"leader": {required: "true where one replica leads and its effects carry a term", read: func(v value) { g.Leader = r.boolean(v) }},
		"effects": {required: "how often an acknowledged job takes effect", read: func(v value) {
			g.Effects = drills.Delivery(r.word(v, []string{string(drills.AtLeastOnce), string(drills.ExactlyOnce)}))
		}},
		"means": {read: func(v value) {
			r.list(v, "means", func(v value) {
				g.Means = append(g.Means, r.word(v, []string{"transaction", "key", "fencing"}))
			})
		}},
		"leaderships": {read: func(v value) {
			r.leaderships = v.at
			r.list(v, "leaderships", func(v value) { g.Leaderships = append(g.Leaderships, r.text(v)) })
		}},
		"concurrency_keys": {read: func(v value) {
			r.keys = v.at
			g.ConcurrencyKeys = r.boolean(v)
		}},
	})
}

// checkKeys wants concurrency keys to be handed on where they are heeded, and there
// alone: gates of a promise that was forgotten would not apply.
func (r *reader) checkKeys(submit value) {
	promised := r.system.guarantees.ConcurrencyKeys
	carried := r.system.submit != nil && r.system.submit.request.tells(concurrencyVariable)
	switch {
	case promised && !carried:
		r.fail(r.keys, errors.New("no submission carries one: write ${concurrency_key} into the path, a header or the body of \"submit\""))
	case carried && !promised:
		r.fail(submit.at, errors.New("it carries ${concurrency_key}, and nothing is promised of it: write \"concurrency_keys: true\" among the guarantees"))
	}
}

// checkLeaderships wants a leader where leaderships are named, and the one whose
// holder is asked for among them.
func (r *reader) checkLeaderships() {
	s := &r.system
	switch {
	case len(s.guarantees.Leaderships) == 0:
	case !s.guarantees.Leader:
		r.fail(r.leaderships, errors.New(`it names leaderships, and no leader is promised: write "leader: true" beside it`))
	case s.leader != nil && !slices.Contains(s.guarantees.Leaderships, s.leader.leadership):
		r.fail(r.leaderships, fmt.Errorf("the leadership %q of \"leader\" is not among them", s.leader.leadership))
	}
}

// matching reads a text of a certain form.
func (r *reader) matching(v value, form *regexp.Regexp, what string) string {
	text := r.text(v)
	if text != "" && !form.MatchString(text) {
		r.want(v, what)
	}
	return text
}

// template reads a text with variables.
func (r *reader) template(v value, known []string) template {
	t, err := parseTemplate(r.text(v), known)
	if err != nil {
		r.fail(v.node, err)
	}
	return t
}
