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
)

const defaultWithin = 30 * time.Second

// The variables of a submission.
const (
	keyVariable     = "key"
	subjectVariable = "subject"
	kindVariable    = "kind"
	argsVariable    = "args" // JSON already, and in bodies only
)

var (
	submitVariables = []string{keyVariable, subjectVariable, kindVariable}
	methods         = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	headerName      = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
)

func (r *reader) ready(v value) {
	s := &r.system.replica.ready
	s.within = defaultWithin
	r.request(v, &s.request, http.MethodGet, nil, map[string]field{
		"within": {read: func(v value) { s.within = r.duration(v) }},
	})
}

func (r *reader) leader(v value) {
	s := &leaderSpec{}
	r.system.leader = s
	r.request(v, &s.request, http.MethodGet, nil, map[string]field{
		"leadership": {required: "the leadership that the leader's effects name", read: func(v value) { s.leadership, _ = r.text(v) }},
		"replica":    {required: "where the answer names the replica, such as /holder", read: func(v value) { s.replica = r.pointer(v) }},
		"term":       {required: "where the answer has the term, such as /term", read: func(v value) { s.term = r.pointer(v) }},
	})
}

func (r *reader) submit(v value) {
	s := &submitSpec{accepted: []int{http.StatusOK, http.StatusCreated, http.StatusAccepted}}
	r.system.submit = s
	body, rejected := v, v
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
	})
	if err := s.request.checkBody(); err != nil {
		r.fail(start(body.node), err)
	}
	for _, status := range s.rejected {
		if slices.Contains(s.accepted, status) {
			r.fail(start(rejected.node), fmt.Errorf("%d cannot mean both: it is among the accepted ones", status))
		}
	}
	if !s.tells(keyVariable) && !s.tells(subjectVariable) {
		r.fail(v.at, errors.New("a submission has to carry ${subject}, under which its effect is reported, or ${key}"))
	}
}

// tells says whether a submission carries that variable anywhere.
func (s *submitSpec) tells(variable string) bool {
	q := s.request
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
		"method": {read: func(v value) { q.method, _ = r.word(v, methods) }},
		"port": {read: func(v value) {
			q.port, _ = r.text(v)
			at = start(v.node)
		}},
		"path": {required: "such as /" + v.name, read: func(v value) {
			q.path = r.template(v, variables)
			if len(q.path) > 0 && !strings.HasPrefix(q.path[0].text, "/") {
				r.want(v, "a path, which begins with a slash")
			}
		}},
		"headers": {read: func(v value) { r.headers(v, q, variables) }},
	}
	maps.Copy(fields, more)
	r.mapping(v, fields)
	r.requests = append(r.requests, placed[*requestSpec]{q, at})
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
	text, ok := r.text(v)
	if !ok {
		return nil
	}
	if !strings.HasPrefix(text, "/") {
		r.want(v, "a JSON pointer, which begins with a slash, such as /leader/name")
		return nil
	}
	return parsePointer(text)
}
