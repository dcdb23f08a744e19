package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/internal/suggest"
)

var (
	storeRoles = []string{string(drills.RolePostgres), string(drills.RoleRedis)}
	// A store's name is that of its host, too, where each process has one.
	storeName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	// taken are the names that mean something else in a script or a variable.
	taken = append([]string{"all", "any", "backends", "clients", "follower", "leader", "replica", "victim", "waiter", "witness"}, drills.BackendNames()...)
)

func (r *reader) stores(v value) {
	r.list(v, "stores", func(v value) {
		v.name = "store"
		if v.node.Kind == yaml.MappingNode {
			r.brought(v)
			return
		}
		role := r.text(v)
		switch {
		case role == "":
			return
		case !slices.Contains(storeRoles, role):
			r.fail(v.node, fmt.Errorf("%w; another one is described, and started with the replicas: "+
				"{name: broker, command: [broker], ports: {client: LISTEN}}", suggest.Unknown("store", role, storeRoles)))
			return
		}
		if role != "" && slices.Contains(r.system.stores, drills.Role(role)) {
			r.fail(v.node, fmt.Errorf("%s is there already", role))
		}
		r.system.stores = append(r.system.stores, drills.Role(role))
	})
}

// brought reads a store that the system brings along. It is in place before the
// replicas, and knows of none of them.
func (r *reader) brought(v value) {
	s := &storeSpec{role: drills.RoleStore}
	replicas := r.to
	r.to = &s.processSpec
	v.at = v.node
	asked := false
	r.process(v, &s.processSpec, storeVariables, map[string]field{
		"name": {required: "by which scripts, links and variables know it", read: func(v value) { s.name = r.storeName(v) }},
		"ready": {read: func(v value) {
			asked = true
			r.ready(v, &s.ready, "")
		}},
	})
	if !asked {
		r.requests = append(r.requests, sent{&s.ready.request, r.to, v.at})
	}
	r.to = replicas
	r.system.brought = append(r.system.brought, s)
}

// storeName reads a name that is nobody else's.
func (r *reader) storeName(v value) string {
	name := r.matching(v, storeName, "a name of small letters, digits and dashes, such as broker")
	switch {
	case meansElse(name), slices.Contains(storeRoles, name):
		r.fail(v.node, fmt.Errorf("%q means something else already: choose another name", name))
	case name != "" && slices.ContainsFunc(r.system.brought, func(s *storeSpec) bool { return s.name == name }):
		r.fail(v.node, fmt.Errorf("%s is there already", name))
	}
	return name
}

// meansElse says whether a name means something else in a script or a variable.
func meansElse(name string) bool {
	return slices.Contains(taken, name) || strings.HasPrefix(name, "replica-")
}

// checkStores wants every store that is used to be asked for.
func (r *reader) checkStores() {
	for _, s := range r.starts {
		for _, role := range storeRoles {
			if s.template.uses(role+".") && !slices.Contains(r.system.stores, drills.Role(role)) {
				r.fail(s.at, fmt.Errorf("it uses %s, which is not among the stores: write \"stores: [%s]\"", role, role))
			}
		}
	}
}
