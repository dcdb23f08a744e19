package adapter

import (
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/reference/jobs"
)

var _ drills.Outlined = (*System)(nil)

// Outline is what the reference is made of: both stores, and replicas with links to
// every backend.
func (*System) Outline() drills.Outline {
	return drills.Outline{
		Stores: []drills.StoreOutline{
			{Name: string(drills.RolePostgres), Role: drills.RolePostgres, Login: true},
			{Name: string(drills.RoleRedis), Role: drills.RoleRedis, Login: true},
		},
		Ends:      append([]string{"witness"}, drills.BackendNames()...),
		Kinds:     []string{jobs.DefaultKind, jobs.Provision, jobs.Cluster, jobs.Pipeline},
		Queue:     true,
		Inspected: true,
	}
}
