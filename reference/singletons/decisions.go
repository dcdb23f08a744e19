package singletons

import (
	"github.com/drillrun/drillrun/reference/backends"
	"github.com/drillrun/drillrun/reference/leadership"
)

// decision is how a worker decides.
type decision struct {
	name string
	to   backends.Name // what can bring it about
	read string        // SQL: one JSON document, what is decided from the state of things
	// carryOut is SQL that sets what was decided, $3, under the Fence; empty where
	// the record of the slot says it all.
	carryOut string
}

// decisions are those of all workers but cron, whose receiver is no backend.
var decisions = []decision{
	{
		// Traffic goes to what runs, the newest first.
		name: "load-balancer", to: backends.LoadBalancer,
		read: `
			SELECT jsonb_build_object('targets', coalesce(jsonb_agg(name), '[]'))
			FROM (SELECT name FROM resources WHERE state = 'running' ORDER BY id DESC LIMIT 100) newest`,
	}, {
		// One node for every hundred jobs that wait, on top of what runs.
		name: "autoscaling", to: backends.Compute,
		read: `
			SELECT jsonb_build_object('nodes', (SELECT coalesce(sum(size), 0) FROM resources WHERE state = 'running')
				+ (SELECT count(*) / 100 FROM jobs WHERE state IN ('queued', 'running')))`,
	}, {
		// What a pipeline has published has a container that runs it.
		name: "container", to: backends.Compute,
		read: `
			SELECT jsonb_build_object('run', coalesce(jsonb_agg(name), '[]'))
			FROM (SELECT name FROM resources WHERE kind = 'pipeline' AND state = 'running' ORDER BY id DESC LIMIT 100) newest`,
	}, {
		// What is used is what will be billed.
		name: "accounting", to: backends.Storage,
		read: `
			SELECT coalesce(jsonb_object_agg(kind, used), '{}')
			FROM (SELECT kind, sum(size) AS used FROM resources WHERE state = 'running' GROUP BY kind) each`,
	}, {
		// Beyond the thousand newest of a kind, resources have had their time.
		name: "lifecycle", to: backends.Compute,
		read: `
			SELECT jsonb_build_object('expire', coalesce(jsonb_agg(id), '[]')) FROM (
				SELECT id FROM (
					SELECT id, rank() OVER (PARTITION BY kind ORDER BY id DESC) AS age FROM resources WHERE state = 'running'
				) ranked WHERE age > 1000 ORDER BY id LIMIT 500
			) old`,
		carryOut: `
			UPDATE resources SET state = 'expired'
			WHERE id IN (SELECT jsonb_array_elements($3::jsonb -> 'expire')::bigint) AND ` + leadership.Fence,
	}, {
		// Who answers for what, as the network is to route it.
		name: "replica-monitor", to: backends.Network,
		read: `SELECT coalesce(jsonb_object_agg(key, holder), '{}') FROM leadership`,
	}, {
		// A cluster has the nodes that it was made with.
		name: "cluster-reconciler", to: backends.Compute,
		read: `
			SELECT jsonb_build_object('clusters', count(*), 'nodes', coalesce(sum(size), 0))
			FROM resources WHERE kind = 'cluster' AND state = 'running'`,
	}, {
		// What has failed is started again.
		name: "healing", to: backends.Compute,
		read: `
			SELECT jsonb_build_object('restart', coalesce(jsonb_agg(id), '[]'))
			FROM (SELECT id FROM resources WHERE state = 'failed' ORDER BY id LIMIT 500) failed`,
		carryOut: `
			UPDATE resources SET state = 'running'
			WHERE id IN (SELECT jsonb_array_elements($3::jsonb -> 'restart')::bigint) AND ` + leadership.Fence,
	}, {
		// The name of the database belongs to the server that takes writes.
		name: "database-failover", to: backends.DNS,
		read: `
			SELECT jsonb_build_object('primary', inet_server_port(), 'takes_writes', NOT pg_is_in_recovery(),
				'since', pg_postmaster_start_time())`,
	}, {
		// What has been finished up to here can be archived.
		name: "log", to: backends.Storage,
		read: `SELECT jsonb_build_object('up_to', max(id)) FROM jobs WHERE state IN ('done', 'dead')`,
	},
}
