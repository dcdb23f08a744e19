package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

const defaultWithin = 30 * time.Second

// The variables of a submission, and of a question about a job.
const (
	keyVariable         = "key"
	subjectVariable     = "subject"
	kindVariable        = "kind"
	concurrencyVariable = "concurrency_key"
	argsVariable        = "args" // JSON already, and in bodies only
)

var (
	submitVariables = []string{keyVariable, subjectVariable, kindVariable, concurrencyVariable}
	readVariables   = []string{keyVariable, subjectVariable}
	methods         = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	headerName      = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
)

// ready reads how a process is asked whether it takes work, by a path that is
// required for that or may be left out.
func (r *reader) ready(v value, s *readySpec, required string) {
	r.request(v, &s.request, http.MethodGet, nil, map[string]field{
		"path":   {required: required, read: func(v value) { r.path(v, &s.request, nil) }},
		"within": {read: func(v value) { s.within = r.duration(v) }},
	})
	if q := s.request; required == "" && len(q.path) == 0 && (len(q.headers) > 0 || q.method != http.MethodGet) {
		r.fail(v.at, errors.New("without a path nothing is sent: taking connections will do"))
	}
}

func (r *reader) leader(v value) {
	s := &leaderSpec{}
	r.system.leader = s
	r.request(v, &s.request, http.MethodGet, nil, map[string]field{
		"leadership": {required: "the leadership that the leader's effects name", read: func(v value) { s.leadership = r.text(v) }},
		"replica":    {required: "where the answer names the replica, such as /holder", read: func(v value) { s.replica = r.pointer(v) }},
		"term":       {required: "where the answer has the term, such as /term", read: func(v value) { s.term = r.pointer(v) }},
	})
}

func (r *reader) inspect(v value) {
	s := &inspectSpec{}
	r.system.inspect = s
	r.request(v, &s.request, http.MethodGet, nil, map[string]field{
		"each": {read: func(v value) {
			r.list(v, "counts", func(v value) {
				v.name = "count"
				name := r.word(v, countNames)
				if slices.Contains(s.each, name) && name != "" {
					r.fail(v.node, fmt.Errorf("%s is there already", name))
				}
				s.each = append(s.each, name)
			})
		}},
		"allow": {read: func(v value) { s.allow = r.allowance(v) }},
	})
}

// mostAllowed is the largest allowance: what grows by more is no pool.
const mostAllowed = 10_000

// breathing are the counts that pools make grow, within bounds.
var breathing = []string{history.CountConnections, history.CountGoroutines}

// allowance is by how much counts of a replica may grow.
func (r *reader) allowance(v value) drills.Snapshot {
	allow := drills.Snapshot{}
	fields := map[string]field{}
	for _, name := range breathing {
		fields[name] = field{read: func(v value) { allow[name] = int64(r.whole(v, 0, mostAllowed, "a number for each replica")) }}
	}
	r.mapping(v, fields)
	return allow
}

func (r *reader) stop(v value) {
	q := &requestSpec{}
	r.system.stop = q
	body := v
	r.request(v, q, http.MethodPost, nil, map[string]field{
		"body": {read: func(v value) {
			body = v
			q.body = r.template(v, nil)
		}},
	})
	if err := q.checkBody(); err != nil {
		r.fail(body.node, err)
	}
}

func (r *reader) submit(v value) {
	s := &submitSpec{accepted: []int{http.StatusOK, http.StatusCreated, http.StatusAccepted}}
	r.system.submit = s
	body, rejected := v, v
	var kinds value
	r.request(v, &s.request, http.MethodPost, submitVariables, map[string]field{
		"body": {read: func(v value) {
			body = v
			s.request.body = r.template(v, append(slices.Clone(submitVariables), argsVariable))
		}},
		"accepted": {read: func(v value) { s.accepted = r.statuses(v) }},
		"rejected": {read: func(v value) {
			rejected = v
			s.rejected = r.statuses(v)
		}},
		"kinds": {read: func(v value) {
			kinds = v
			s.kinds = r.kinds(v)
		}},
	})
	if kinds.at != nil && !s.request.tells(kindVariable) {
		r.fail(kinds.at, errors.New("no submission carries one: write ${kind} into the path, a header or the body"))
	}
	if err := s.request.checkBody(); err != nil {
		r.fail(body.node, err)
	}
	for _, status := range s.rejected {
		if slices.Contains(s.accepted, status) {
			r.fail(rejected.node, fmt.Errorf("%d cannot mean both: it is among the accepted ones", status))
		}
	}
	if !s.request.tells(keyVariable) && !s.request.tells(subjectVariable) {
		r.fail(v.at, errors.New("a submission has to carry ${subject}, under which its effect is reported, or ${key}"))
	}
}

// kinds reads which kinds of jobs a script may ask for.
func (r *reader) kinds(v value) (kinds []string) {
	r.list(v, "kinds of jobs", func(v value) {
		kind := r.matching(v, plainName, "a name of letters, digits, dots, dashes and underscores")
		if slices.Contains(kinds, kind) && kind != "" {
			r.fail(v.node, fmt.Errorf("%s is there already", kind))
		}
		kinds = append(kinds, kind)
	})
	return kinds
}

// readJob reads how a replica is asked what became of a job.
func (r *reader) readJob(v value) {
	s := &readSpec{}
	r.system.read = s
	meaning := func(words *[]string) func(value) {
		return func(v value) {
			r.list(v, "words", func(v value) {
				word := r.text(v)
				if word != "" && (slices.Contains(s.done, word) || slices.Contains(s.dead, word)) {
					r.fail(v.node, fmt.Errorf("%s is there already", word))
				}
				*words = append(*words, word)
			})
		}
	}
	r.request(v, &s.request, http.MethodGet, readVariables, map[string]field{
		"state":   {required: "where the answer has the job's state, such as /state", read: func(v value) { s.state = r.pointer(v) }},
		"done":    {required: "the words for a job that is done, such as [completed]", read: meaning(&s.done)},
		"dead":    {read: meaning(&s.dead)},
		"unknown": {read: func(v value) { s.unknown = r.statuses(v) }},
	})
	if !s.request.tells(keyVariable) && !s.request.tells(subjectVariable) {
		r.fail(v.at, errors.New("a question has to carry ${key} or ${subject} of the job that it is about"))
	}
}

// tells says whether a request carries that variable anywhere.
func (q *requestSpec) tells(variable string) bool {
	return q.path.uses(variable) || q.body.uses(variable) ||
		slices.ContainsFunc(q.headers, func(h setting) bool { return h.value.uses(variable) })
}

func (r *reader) statuses(v value) (statuses []int) {
	r.list(v, "statuses of HTTP", func(v value) { statuses = append(statuses, r.status(v)) })
	return statuses
}

// request reads what every request has, and more fields.
func (r *reader) request(v value, q *requestSpec, method string, variables []string, more map[string]field) {
	q.method, q.media = method, jsonMedia
	at := v.at
	fields := map[string]field{
		"method": {read: func(v value) { q.method = r.word(v, methods) }},
		"port": {read: func(v value) {
			q.port = r.text(v)
			at = v.node
		}},
		"path":    {required: "such as /" + v.name, read: func(v value) { r.path(v, q, variables) }},
		"headers": {read: func(v value) { r.headers(v, q, variables) }},
	}
	maps.Copy(fields, more)
	r.mapping(v, fields)
	r.requests = append(r.requests, sent{q, r.to, at})
}

func (r *reader) path(v value, q *requestSpec, variables []string) {
	q.path = r.template(v, variables)
	if len(q.path) > 0 && !strings.HasPrefix(q.path[0].text, "/") {
		r.want(v, "a path, which begins with a slash")
	}
}

func (r *reader) headers(v value, q *requestSpec, variables []string) {
	r.pairs(v, "headers, such as {Idempotency-Key: \"${key}\"}", func(v value) {
		if !headerName.MatchString(v.name) {
			r.fail(v.at, fmt.Errorf("%q is no name of a header", v.name))
		}
		h := setting{v.name, r.template(v, variables)}
		if slices.ContainsFunc(h.value, func(p part) bool { return strings.ContainsAny(p.text, "\r\n") }) {
			r.want(v, "one line")
		}
		if strings.EqualFold(h.name, "Content-Type") {
			q.media = mediaOf(h.value.fill(nil, plain))
		}
		q.headers = append(q.headers, h)
	})
}

// checkBody wants a body that says that it is JSON to be that.
func (q *requestSpec) checkBody() error {
	sample := map[string]string{argsVariable: "null"}
	if q.media == jsonMedia && len(q.body) > 0 && !json.Valid([]byte(q.fillBody(sample))) {
		return errors.New("the body is no JSON: text is written with its quotes, as in {\"key\": \"${key}\", \"args\": ${args}}; " +
			"what is meant to be no JSON needs a Content-Type among the headers")
	}
	return nil
}

// pointer reads a JSON pointer.
func (r *reader) pointer(v value) pointer {
	text := r.text(v)
	if text != "" && !strings.HasPrefix(text, "/") {
		r.want(v, "a JSON pointer, which begins with a slash, such as /leader/name")
		return nil
	}
	return parsePointer(text)
}
