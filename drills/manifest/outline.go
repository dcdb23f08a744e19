package manifest

import "github.com/drillrun/drillrun/drills"

var _ drills.Outlined = (*System)(nil)

// Outline is what the manifest says that there will be. Replicas have links to the
// backends that they are told of; those of a project are told of none.
func (s *System) Outline() drills.Outline {
	o := drills.Outline{Ends: append([]string{"witness"}, s.backends...), Kinds: s.kinds(), Inspected: s.inspect != nil}
	for _, role := range s.stores {
		o.Stores = append(o.Stores, drills.StoreOutline{Name: string(role), Role: role, Login: true})
	}
	for _, b := range s.brought {
		o.Stores = append(o.Stores, drills.StoreOutline{Name: b.name, Role: b.role, Login: b.url != ""})
	}
	return o
}

// kinds are those of the jobs; empty where none can be handed on.
func (s *System) kinds() []string {
	switch {
	case s.submit == nil:
		return nil
	case !s.submit.request.tells(kindVariable):
		return []string{}
	}
	return s.submit.kinds
}
