package manifest

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/drillrun/drillrun/drills"
)

// serviceName is what compose takes for the name of a service.
var serviceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// wellKnown are the ports of stores whose ways are known.
var wellKnown = map[drills.Role]string{drills.RolePostgres: "5432", drills.RoleRedis: "6379"}

// schemes are those of the URLs by which clients log in to them.
var schemes = map[drills.Role][]string{drills.RolePostgres: {"postgres", "postgresql"}, drills.RoleRedis: {"redis", "rediss"}}

// compose reads how a project that runs already is reached.
func (r *reader) compose(v value) {
	s := &r.system.replica
	c := &composeSpec{}
	r.system.compose = c
	s.ready.within = defaultWithin
	r.mapping(v, map[string]field{
		"project": {required: "its name, as after docker-compose -p", read: func(v value) {
			c.project = r.matching(v, serviceName, "the name of a project, such as shop")
		}},
		"replicas": {required: "the service whose containers are the replicas", read: func(v value) {
			s.service = r.matching(v, serviceName, "the name of a service")
		}},
		"stores": {read: r.services},
		"ports":  {required: "where a replica listens, such as {http: 8080}", read: func(v value) { s.ports = r.listening(v) }},
		"witness": {required: "the host:port at which replicas report effects, such as drillrun-witness:7070", read: func(v value) {
			c.witness = r.hostPort(v)
		}},
		"ready": {required: "the path that answers 200 once a replica takes work", read: func(v value) { r.ready(v, &s.ready, "such as /ready") }},
		"grace": {read: func(v value) { s.grace = r.duration(v) }},
	})
	if slices.ContainsFunc(r.system.brought, func(b *storeSpec) bool { return b.service == s.service }) {
		r.fail(v.at, fmt.Errorf("the service %s has the replicas, and is no store", s.service))
	}
}

// services reads which of a project's services are stores, and what they are.
func (r *reader) services(v value) {
	r.pairs(v, "services and what they are, such as {db: postgres}", func(v value) {
		s := &storeSpec{name: v.name, processSpec: processSpec{service: v.name}}
		s.ready.within = defaultWithin
		var ports value
		at := v
		if v.node.Kind == yaml.MappingNode {
			r.mapping(v, map[string]field{
				"role":  {required: "what it is: postgres, redis or store", read: func(v value) { s.role = r.role(v) }},
				"ports": {read: func(v value) { ports = v }},
				"url": {read: func(v value) {
					s.url = r.line(v)
					at = v
				}},
			})
		} else {
			s.role = r.role(v)
		}
		r.serviceCalled(v, s.role)
		r.storePorts(v, ports, s)
		if s.url != "" && s.role != "" {
			r.checkURL(at, s)
		}
		if len(s.ports) > 0 {
			s.ready.request.port = s.ports[0].name
		}
		r.system.brought = append(r.system.brought, s)
	})
}

func (r *reader) role(v value) drills.Role {
	v.name = "role"
	return drills.Role(r.word(v, append(slices.Clone(storeRoles), string(drills.RoleStore))))
}

// serviceCalled wants the name of a service to mean nothing else in a script.
func (r *reader) serviceCalled(v value, role drills.Role) {
	switch {
	case !serviceName.MatchString(v.name):
		r.fail(v.at, fmt.Errorf("%q is no name of a service", v.name))
	case meansElse(v.name), slices.Contains(storeRoles, v.name) && role != "" && v.name != string(role):
		r.fail(v.at, fmt.Errorf("%q means something else already in a script: the service needs another name", v.name))
	}
}

// storePorts reads the ports of a store, which are known of some.
func (r *reader) storePorts(service, v value, s *storeSpec) {
	port, known := wellKnown[s.role]
	switch {
	case v.node != nil:
		s.ports = r.listening(v)
		if known && len(s.ports) > 1 {
			r.fail(v.node, fmt.Errorf("a %s has one port", s.role))
		}
	case known:
		s.ports = []portSpec{{string(s.role), port}}
	case s.role != "":
		r.fail(service.at, fmt.Errorf("where %s listens is not known: write {role: store, ports: {client: 4222}}", service.name))
	}
}

// listening reads the ports on which a container of the project listens.
func (r *reader) listening(v value) (ports []portSpec) {
	is := r.pairs(v, "ports with the numbers on which it listens, such as {http: 8080}", func(v value) {
		port := portSpec{r.portName(v), r.portNumber(v)}
		if slices.ContainsFunc(ports, func(p portSpec) bool { return p.variable == port.variable }) {
			r.fail(v.node, fmt.Errorf("%s is another port's", port.variable))
		}
		ports = append(ports, port)
	})
	if is && len(ports) == 0 {
		r.fail(v.at, errors.New("it has to listen on a port, such as {http: 8080}"))
	}
	return ports
}

// checkURL wants a URL of the store's kind. It may hold a password, and is not told.
func (r *reader) checkURL(v value, s *storeSpec) {
	known, ok := schemes[s.role]
	u, err := url.Parse(s.url)
	switch {
	case !ok:
		r.fail(v.at, errors.New("nobody logs in to a store of this role: leave the URL out"))
	case err != nil || u.Host == "" || !slices.Contains(known, u.Scheme):
		r.want(v, fmt.Sprintf("a URL such as %s://user:password@%s:%s", known[0], s.name, wellKnown[s.role]))
	}
}

// hostPort reads an address.
func (r *reader) hostPort(v value) string {
	text := r.text(v)
	if text == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(text)
	number, numberErr := strconv.ParseUint(port, 10, 16)
	if err != nil || numberErr != nil || number == 0 || !serviceName.MatchString(host) || net.ParseIP(host) != nil {
		r.want(v, "a name and a port, such as drillrun-witness:7070")
	}
	return text
}
