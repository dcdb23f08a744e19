// Package manifest makes a system of any language a [drills.System]: a file in
// YAML says how its replicas are started and spoken to, and no Go is needed.
//
//	clients ──link──▶ replica-1
//	                      ├──link──▶ postgres, redis   (the stores it asks for, or brings along)
//	                      ├──link──▶ witness           (POST /v1/effects)
//	                      └──link──▶ compute, …        (those of its backends that a replica is told of)
//
// # The format
//
//	name: ledger                       # as reports have it
//	version: v1.4.0                    # as league tables have it
//	stores:                            # which it needs; none without this line
//	  - postgres
//	  - redis
//	  - name: broker                   # one that it brings along
//	    command: ["${dir}/broker"]
//	    ports: {client: ADDRESS}       # ADDRESS=host:port, where it is to listen
//	replica:
//	  command: ["${dir}/ledger", serve] # or "image: ledger:1", for containers
//	  missing: make ledger             # what to do where the program is not there
//	  environment:
//	    DATABASE_URL: ${postgres.url}  # by a link of the replica's own
//	    BROKER: ${broker.address}
//	    WITNESS: ${witness.url}
//	    WITNESS_TOKEN: ${witness.token}
//	    COMPUTE: ${backends.compute.url} # one of the witness's backends, with the same token
//	  ports: {http: LISTEN}            # LISTEN=host:port, where the replica is to listen
//	  ready: {path: /healthz, within: 30s}
//	  grace: 5s                        # from SIGTERM to SIGKILL
//	submit:                            # how a job is submitted
//	  path: /jobs
//	  headers: {Idempotency-Key: "${key}", Turn: "${concurrency_key}"}
//	  body: '{"subject": "${subject}", "kind": "${kind}", "args": ${args}}'
//	  accepted: [202]                  # statuses that promise the job's effect
//	  rejected: [422]                  # statuses that rule it out
//	  kinds: [mail, invoice]           # that scripts may ask for; any without this line
//	read:                              # how to ask what became of a job
//	  path: /jobs/${key}
//	  state: /state                    # JSON pointer into the answer
//	  done: [completed]                # its words; every other one is of an open job
//	  dead: [failed]
//	  unknown: [404]                   # statuses: there is no such job
//	leader:                            # how to ask who leads
//	  path: /leader
//	  leadership: control              # as the leader's effects name it
//	  replica: /holder                 # JSON pointers into the answer
//	  term: /term
//	inspect:                           # how to ask what is in the stores
//	  path: /counts                    # answered by {"unfinished": 0, "connections": 9}
//	  each: [connections]              # a replica's own: added up over all that run
//	  allow: {connections: 45}         # what its pools keep open; by default 16
//	stop: {path: /drain}               # asks a replica to end, in place of SIGTERM
//	guarantees: {leader: true, effects: exactly-once, means: [key, fencing], concurrency_keys: true,
//	  leaderships: [control]}          # all of them, where leases carry terms as well
//	settle: 4s                         # the longest lease, sweep or retry, plus what they add up to
//
// A project of compose that runs already is described in place of "replica" and
// "stores":
//
//	compose:
//	  project: shop                    # as after docker-compose -p
//	  replicas: app                    # the service whose containers are the replicas
//	  stores: {db: postgres, cache: {role: redis, url: "redis://cache:6379"}}
//	  ports: {http: 8080}              # on which a replica listens
//	  witness: drillrun-witness:7070   # where replicas were told to report effects
//	  ready: {path: /healthz}
//
// [Schema] is the same as JSON Schema, for editors. docs/witness.openapi.yaml
// describes the one call by which a replica reports an effect.
//
// # Strictness
//
// An unknown field, a variable that is not there, a store that is used and not
// asked for: each is an [Error] with line and column, and all of them are told at
// once. So a field that a later version brings cannot be ignored by this one.
// Anchors, aliases and tags are refused.
//
// # Variables
//
// A variable is written ${name}; $${ stands for a plain ${. In a path a value is
// escaped for URLs, in a JSON body for strings. ${args} is the exception: it is
// JSON already (an object, or null), and stands in bodies only. A replica may be told
// the parts of a store's URL (${postgres.host}, port, user, password, database), and
// ${env.NAME}, a variable of drillrun's own environment, which no record keeps.
//
// # What an answer means
//
// A status in "accepted" acknowledges the job, one in "rejected" says that
// nothing happened or ever will, and so does a refused connection. Everything
// else (another status, a redirect, a time-out, half an answer) leaves the
// outcome open, and the job is submitted again with the same key.
//
// What became of a job is said by a status in "unknown", or else by a status from
// 200 to 299 and a state. Any other answer says nothing, and another replica is asked.
//
// Where several replicas say who leads, the highest term counts: one that was
// cut off may still believe in an old one.
package manifest
