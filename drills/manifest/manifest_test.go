package manifest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
)

// whole has every field that there is.
const whole = `name: ledger
version: v1.4.0
stores:
  - postgres
  - redis
  - name: broker
    command: ["${dir}/broker", "${seed}"]
    missing: make broker
    environment: {QUIET: true, PEERS: "${replicas}"}
    ports: {client: LISTEN}
    ready: {path: /up, within: 3s}
    grace: 1s
  - name: files
    command: [files]
    ports: {data: DATA, admin: ADMIN}
    ready: {port: admin}
  - name: hub
    image: example.org/hub:1
    command: [--quiet]
    ports: {tcp: 4222}
replica:
  command: ["${dir}/ledger", serve]
  missing: make ledger
  environment:
    DATABASE_URL: ${postgres.url}
    CACHE: ${redis.address}
    BACKENDS: ${backends.storage.url},${backends.compute.url}
    QUEUE: ${broker.address}/${files.data.address}
    WORKERS: 010
    PLAIN: "$${HOME}"
  ports: {http: LISTEN, admin: ADMIN}
  ready: {method: GET, path: /healthz, port: admin, within: 20s, headers: {X-Probe: drill}}
  grace: 5s
submit:
  method: PUT
  port: http
  path: /jobs/${subject}
  headers: {Idempotency-Key: "${key}", Content-Type: application/json, Turn: "${concurrency_key}"}
  body: |
    {"kind": "${kind}", "args": ${args}}
  accepted: [200, 202]
  rejected: [422]
read:
  method: POST
  port: http
  path: /jobs/${key}?of=${subject}
  headers: {X-Probe: drill}
  state: /job/state
  done: [completed, "2"]
  dead: [failed]
  unknown: [404, 410]
leader:
  method: GET
  port: admin
  path: /leader
  headers: {X-Probe: drill}
  leadership: control
  replica: /holder/name
  term: /terms/0
inspect:
  method: POST
  port: admin
  path: /counts
  headers: {X-Probe: drill}
  each: [connections, goroutines]
  allow: {connections: 45}
stop:
  method: DELETE
  port: admin
  path: /life
  headers: {X-Probe: drill}
  body: '{"drain": true}'
guarantees: {leader: true, effects: exactly-once, means: [key, fencing], concurrency_keys: true, leaderships: [control, sweep]}
settle: 4s
`

// small has those alone that it needs.
const small = `name: ledger
replica:
  command: [ledger]
  ports: {http: LISTEN}
  ready: {path: /ready}
submit:
  path: /jobs
  body: '{"key": "${key}", "args": ${args}}'
guarantees: {leader: false, effects: at-least-once}
settle: 4s
`

func parse(t *testing.T, source string) *System {
	t.Helper()
	s, err := Parse("/srv/system.yaml", []byte(source))
	require.NoError(t, err)
	return s
}

func TestAManifestIsReadWhole(t *testing.T) {
	s := parse(t, whole)
	require.Equal(t, "ledger", s.Name())
	require.Equal(t, "v1.4.0", s.Version())
	require.Equal(t, 4*time.Second, s.Settle())
	require.Equal(t, drills.Guarantees{
		Leader: true, Jobs: true, Effects: drills.ExactlyOnce, Means: []string{"key", "fencing"}, ConcurrencyKeys: true,
		Leaderships: []string{"control", "sweep"},
	}, s.Guarantees())
	require.Equal(t, []drills.Role{drills.RolePostgres, drills.RoleRedis}, s.stores)
	require.Equal(t, []*storeSpec{
		{"broker", drills.RoleStore, "", processSpec{
			command: []template{{{variable: "dir"}, {text: "/broker"}}, {{variable: "seed"}}}, missing: "make broker",
			environment: []setting{{"QUIET", template{{text: "true"}}}, {"PEERS", template{{variable: "replicas"}}}},
			ports:       []portSpec{{"client", "LISTEN"}}, grace: time.Second,
			ready: readySpec{requestSpec{method: "GET", port: "client", path: template{{text: "/up"}}, media: jsonMedia}, 3 * time.Second},
		}},
		{"files", drills.RoleStore, "", processSpec{
			command: []template{{{text: "files"}}}, ports: []portSpec{{"data", "DATA"}, {"admin", "ADMIN"}},
			ready: readySpec{requestSpec{method: "GET", port: "admin", media: jsonMedia}, defaultWithin},
		}},
		{"hub", drills.RoleStore, "", processSpec{
			image: "example.org/hub:1", command: []template{{{text: "--quiet"}}}, ports: []portSpec{{"tcp", "4222"}},
			ready: readySpec{requestSpec{port: "tcp"}, defaultWithin},
		}},
	}, s.brought)
	require.Equal(t, "/srv", s.dir)
	require.Equal(t, []string{"compute", "storage"}, s.backends)
	require.Equal(t, []template{{{variable: "dir"}, {text: "/ledger"}}, {{text: "serve"}}}, s.replica.command)
	require.Equal(t, []setting{
		{"DATABASE_URL", template{{variable: "postgres.url"}}}, {"CACHE", template{{variable: "redis.address"}}},
		{"BACKENDS", template{{variable: "backends.storage.url"}, {text: ","}, {variable: "backends.compute.url"}}},
		{"QUEUE", template{{variable: "broker.address"}, {text: "/"}, {variable: "files.data.address"}}},
		{"WORKERS", template{{text: "010"}}}, {"PLAIN", template{{text: "${"}, {text: "HOME}"}}},
	}, s.replica.environment)
	require.Equal(t, []portSpec{{"http", "LISTEN"}, {"admin", "ADMIN"}}, s.replica.ports)
	require.Equal(t, 20*time.Second, s.replica.ready.within)
	require.Equal(t, "admin", s.replica.ready.request.port)
	require.Equal(t, 5*time.Second, s.replica.grace)
	require.Equal(t, "PUT", s.submit.request.method)
	require.Equal(t, []int{200, 202}, s.submit.accepted)
	require.Equal(t, []int{422}, s.submit.rejected)
	require.Equal(t, &readSpec{
		request: requestSpec{
			method: "POST", port: "http", headers: []setting{{"X-Probe", template{{text: "drill"}}}}, media: jsonMedia,
			path: template{{text: "/jobs/"}, {variable: "key"}, {text: "?of="}, {variable: "subject"}},
		},
		state: pointer{"job", "state"}, done: []string{"completed", "2"}, dead: []string{"failed"}, unknown: []int{404, 410},
	}, s.read)
	require.Equal(t, "control", s.leader.leadership)
	require.Equal(t, pointer{"holder", "name"}, s.leader.replica)
	require.Equal(t, pointer{"terms", "0"}, s.leader.term)
	require.Equal(t, "make ledger", s.replica.missing)
	require.Equal(t, &requestSpec{
		method: "DELETE", port: "admin", path: template{{text: "/life"}}, headers: []setting{{"X-Probe", template{{text: "drill"}}}},
		body: template{{text: `{"drain": true}`}}, media: jsonMedia,
	}, s.stop)
	require.Equal(t, "POST", s.inspect.request.method)
	require.Equal(t, "admin", s.inspect.request.port)
	require.Equal(t, []string{"connections", "goroutines"}, s.inspect.each)
	require.Equal(t, drills.Snapshot{"connections": 45}, s.Allowance())
}

func TestWhatIsNotSaidHasDefaults(t *testing.T) {
	s := parse(t, small)
	require.Equal(t, "http", s.replica.ready.request.port)
	require.Equal(t, "GET", s.replica.ready.request.method)
	require.Equal(t, defaultWithin, s.replica.ready.within)
	require.Equal(t, "POST", s.submit.request.method)
	require.Equal(t, []int{200, 201, 202}, s.submit.accepted)
	require.Empty(t, s.submit.rejected)
	require.Nil(t, s.read)
	require.Nil(t, s.leader)
	require.Nil(t, s.inspect)
	require.Nil(t, s.stop)
	require.Empty(t, s.backends)
	require.False(t, s.Guarantees().ConcurrencyKeys)
	s = parse(t, strings.ReplaceAll(cutSubmit(small), "\n", "\r\n"))
	require.False(t, s.Guarantees().Jobs, "without a way to submit, no jobs")
}

// composed has that of a project which it needs, with stores of each kind.
const composed = `name: shop
compose:
  project: shop
  replicas: app
  stores:
    db: postgres
    cache: {role: redis, url: "redis://:secret@cache:6379/0", ports: {tcp: 6380}}
    broker: {role: store, ports: {client: 4222, admin: 8222}}
  ports: {http: 8080}
  witness: drillrun-witness:7070
  ready: {path: /healthz, within: 20s}
  grace: 5s
guarantees: {leader: false, effects: at-least-once}
settle: 4s
`

func TestAProjectThatRunsAlreadyIsRead(t *testing.T) {
	s := parse(t, composed)
	require.Equal(t, &composeSpec{project: "shop", witness: "drillrun-witness:7070"}, s.compose)
	require.Equal(t, "app", s.replica.service)
	require.Equal(t, []portSpec{{"http", "8080"}}, s.replica.ports)
	require.Equal(t, "http", s.replica.ready.request.port)
	require.Equal(t, 20*time.Second, s.replica.ready.within)
	require.Equal(t, 5*time.Second, s.replica.grace)
	ready := func(port string) readySpec { return readySpec{request: requestSpec{port: port}, within: defaultWithin} }
	require.Equal(t, []*storeSpec{
		{"db", drills.RolePostgres, "", processSpec{service: "db", ports: []portSpec{{"postgres", "5432"}}, ready: ready("postgres")}},
		{"cache", drills.RoleRedis, "redis://:secret@cache:6379/0", processSpec{service: "cache", ports: []portSpec{{"tcp", "6380"}}, ready: ready("tcp")}},
		{"broker", drills.RoleStore, "", processSpec{service: "broker", ports: []portSpec{{"client", "4222"}, {"admin", "8222"}}, ready: ready("client")}},
	}, s.brought)
}

// composeMistakes are what is wrong in a manifest that says new where that of a
// project says old, and what is told of it.
var composeMistakes = map[string]struct{ old, new, want string }{
	"a replica beside it":       {"guarantees:", "replica: {command: [a], ports: {a: A}, ready: {path: /a}}\nguarantees:", `system.yaml:2:1: a replica is started, or runs already: write one of "replica" and "compose"`},
	"neither of the two":        {composed[strings.Index(composed, "compose:"):strings.Index(composed, "guarantees:")], "", `system.yaml:1:1: the manifest lacks a "replica" (how a replica is started) or a "compose"`},
	"stores out of place":       {"guarantees:", "stores: [redis]\nguarantees:", "system.yaml:13:1: the stores of a project are named among the fields of \"compose\""},
	"a misspelt field":          {"  project:", "  projct:", `system.yaml:3:3: unknown field "projct": did you mean "project"?`},
	"no witness":                {"  witness: drillrun-witness:7070\n", "", `system.yaml:2:1: compose lacks the field "witness"`},
	"a witness without a port":  {"drillrun-witness:7070", "drillrun-witness", "system.yaml:10:12: witness: want a name and a port, such as drillrun-witness:7070"},
	"a witness by its URL":      {"drillrun-witness:7070", "http://drillrun-witness:7070", "system.yaml:10:12: witness: want a name and a port"},
	"a witness by its address":  {"drillrun-witness:7070", "10.0.0.1:7070", "system.yaml:10:12: witness: want a name and a port"},
	"a role that is none":       {"db: postgres", "db: mysql", `system.yaml:6:9: unknown role "mysql": there are: postgres, redis, store`},
	"a store of unknown ports":  {"db: postgres", "db: store", "system.yaml:6:5: where db listens is not known: write {role: store, ports: {client: 4222}}"},
	"a service of a taken name": {"db: postgres", "witness: postgres", `system.yaml:6:5: "witness" means something else already in a script`},
	"a name of another role":    {"db: postgres", "postgres: redis", `system.yaml:6:5: "postgres" means something else already`},
	"replicas among the stores": {"db: postgres", "app: postgres", "system.yaml:2:1: the service app has the replicas, and is no store"},
	"a URL of another kind":     {"redis://", "http://", "system.yaml:7:31: url: want a URL such as redis://user:password@cache:6379"},
	"a URL of a store":          {"{role: store,", "{role: store, url: \"redis://a\",", "system.yaml:8:27: nobody logs in to a store of this role"},
	"two ports of Redis":        {"{tcp: 6380}", "{tcp: 6380, tls: 6381}", "system.yaml:7:70: a redis has one port"},
	"a port by a variable":      {"{http: 8080}", "{http: LISTEN}", "system.yaml:9:17: http: want the number of a port, from 1 to 65535"},
	"a port of a project twice": {"client: 4222, admin: 8222", "client: 4222, admin: 4222", "system.yaml:8:56: 4222 is another port's"},
}

func TestMistakesInAProjectNameTheirPlace(t *testing.T) {
	for name, m := range composeMistakes {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(composed, m.old))
			_, err := Parse("system.yaml", []byte(strings.Replace(composed, m.old, m.new, 1)))
			require.ErrorContains(t, err, m.want)
		})
	}
}

// cutSubmit is the small manifest without jobs.
func cutSubmit(source string) string {
	before, rest, _ := strings.Cut(source, "submit:\n")
	_, after, _ := strings.Cut(rest, "guarantees:")
	return before + "guarantees:" + after
}

// brings has a store brought along at the end.
func brings(store string) string { return "settle: 4s\nstores: [{" + store + "}]" }

// mistakes are what is wrong in a manifest that says new where the small one
// says old, and what is told of it.
var mistakes = map[string]struct{ old, new, want string }{
	"a misspelt field":                           {"command:", "comand:", `system.yaml:3:3: unknown field "comand": did you mean "command"?`},
	"a field of another version":                 {"settle: 4s", "settle: 4s\nimages: {a: b}", `system.yaml:11:1: unknown field "images": there are: compose, guarantees, inspect, leader`},
	"a missing field":                            {"settle: 4s\n", "", `system.yaml:1:1: the manifest lacks the field "settle": the longest lease`},
	"no program":                                 {"  command: [ledger]\n", "", `system.yaml:2:1: replica lacks a "command" (the program and its arguments, as a list) or an "image"`},
	"a number for a program":                     {"{http: LISTEN}", "{http: 8080}", "system.yaml:4:17: a program has to be told where to listen: want the name of a variable"},
	"a number of no port":                        {"command: [ledger]\n  ports: {http: LISTEN}", "image: ledger:1\n  ports: {http: 80800}", "system.yaml:4:17: http: want the number of a port, from 1 to 65535"},
	"a port twice":                               {"command: [ledger]\n  ports: {http: LISTEN}", "image: ledger:1\n  ports: {http: 80, admin: 80}\n", "system.yaml:4:28: 80 is another port's"},
	"an image of two lines":                      {"command: [ledger]", "image: \"a\\nb\"", "system.yaml:3:10: image: want one line"},
	"a missing field of a part":                  {"  ready: {path: /ready}\n", "", `system.yaml:2:1: replica lacks the field "ready"`},
	"a field without a value":                    {"name: ledger", "name:", "system.yaml:1:1: name has no value: want text"},
	"a field given twice":                        {"settle: 4s", "settle: 4s\nsettle: 5s", "system.yaml:11:1: settle is there already, in line 10"},
	"a version of two lines":                     {"name: ledger", "name: ledger\nversion: \"a\\nb\"", "system.yaml:2:10: version: want one line"},
	"a name with a space":                        {"name: ledger", "name: my ledger", "system.yaml:1:7: name: want a name of letters"},
	"a list for a text":                          {"name: ledger", "name: [ledger]", "system.yaml:1:7: name: want text"},
	"a text for a list":                          {"command: [ledger]", "command: ledger", "system.yaml:3:12: command: want a list of the program and its arguments"},
	"an empty list":                              {"command: [ledger]", "command: []", "system.yaml:3:12: command: want a list of"},
	"an empty text":                              {"command: [ledger]", `command: [ledger, ""]`, "system.yaml:3:21: command: want text that is not empty"},
	"a text for a mapping":                       {"{path: /ready}", "/ready", "system.yaml:5:10: ready: want the fields headers, method, path, port, within"},
	"no port":                                    {"{http: LISTEN}", "{}", "system.yaml:4:3: it has to listen on a port"},
	"no name of a variable":                      {"{http: LISTEN}", "{http: 'A=B'}", "system.yaml:4:17: http: want the name of a variable"},
	"no name of a port":                          {"{http: LISTEN}", "{'': LISTEN}", `system.yaml:4:11: "" is no name of a port`},
	"two ports in one variable":                  {"{http: LISTEN}", "{http: LISTEN, b: LISTEN}", "system.yaml:4:28: LISTEN is another port's"},
	"a port's variable is set":                   {"  ports:", "  environment: {LISTEN: a}\n  ports:", "system.yaml:4:17: LISTEN is set already"},
	"an environment with a dash":                 {"  ports:", "  environment: {A-B: a}\n  ports:", `system.yaml:4:17: "A-B" is no name of a variable`},
	"a port that is not there":                   {"{path: /ready}", "{path: /ready, port: htp}", `system.yaml:5:31: unknown port "htp": did you mean "http"?`},
	"a port that is not chosen":                  {"{http: LISTEN}", "{http: LISTEN, b: B}", `system.yaml:5:3: there are several ports: say which, as "port: http"`},
	"a store nobody asked for":                   {"command: [ledger]", `command: [ledger, "${redis.url}"]`, `system.yaml:3:21: it uses redis, which is not among the stores: write "stores: [redis]"`},
	"a store that is none":                       {"settle: 4s", "settle: 4s\nstores: [mysql]", `system.yaml:11:10: unknown store "mysql": there are: postgres, redis`},
	"a store of one's own":                       {"settle: 4s", "settle: 4s\nstores: [mysql]", `another one is described, and started with the replicas: {name: broker, command: [broker]`},
	"a settle of no time":                        {"settle: 4s", "settle: 1ns", "system.yaml:10:9: settle: want a duration from 100ms to 1h: so long a drill waits before it calls a job lost"},
	"a settle without an end":                    {"settle: 4s", "settle: 10000h", "system.yaml:10:9: settle: want a duration from 100ms to 1h"},
	"a grace without an end":                     {"  ready:", "  grace: 10000h\n  ready:", "system.yaml:5:10: grace: want a duration of at most 1h"},
	"kinds that are not handed on":               {"  body:", "  kinds: [mail]\n  body:", "system.yaml:8:3: no submission carries one: write ${kind}"},
	"a kind twice":                               {"path: /jobs", "path: \"/jobs/${kind}\"\n  kinds: [mail, mail]", "system.yaml:8:17: mail is there already"},
	"a variable that is not set":                 {"command: [ledger]", `command: [ledger, "${env.DRILLRUN_TEST_UNSET}"]`, "system.yaml:3:21: ${env.DRILLRUN_TEST_UNSET}: DRILLRUN_TEST_UNSET is not set in the environment of drillrun"},
	"a variable of no name":                      {"command: [ledger]", `command: [ledger, "${env.A-B}"]`, `system.yaml:3:21: "A-B" is no name of a variable of the environment`},
	"a variable of a request":                    {"path: /jobs", `path: "/jobs/${env.HOME}"`, `unknown variable "env.HOME"`},
	"a store that is there twice":                {"settle: 4s", "settle: 4s\nstores: [redis, redis]", "system.yaml:11:17: redis is there already"},
	"a store of a taken name":                    {"settle: 4s", brings("name: leader, command: [a], ports: {a: A}"), `system.yaml:11:17: "leader" means something else already`},
	"a store of a known name":                    {"settle: 4s", brings("name: redis, command: [a], ports: {a: A}"), `system.yaml:11:17: "redis" means something else already`},
	"a store like a backend":                     {"settle: 4s", brings("name: dns, command: [a], ports: {a: A}"), `system.yaml:11:17: "dns" means something else already`},
	"an unknown backend":                         {"command: [ledger]", `command: [ledger, "${backends.compte.url}"]`, `system.yaml:3:21: unknown variable "backends.compte.url": did you mean "backends.compute.url"?`},
	"keys that nobody hands on":                  {"leader: false", "leader: false, concurrency_keys: true", `system.yaml:9:29: no submission carries one: write ${concurrency_key} into`},
	"keys that nobody heeds":                     {`"${key}"`, `"${key}/${concurrency_key}"`, `system.yaml:6:1: it carries ${concurrency_key}, and nothing is promised of it: write "concurrency_keys: true"`},
	"leaderships without a leader":               {"leader: false", "leader: false, leaderships: [a]", `system.yaml:9:29: it names leaderships, and no leader is promised: write "leader: true"`},
	"a leadership that is not named":             {"leader: false, effects: at-least-once}", "leader: true, effects: at-least-once, leaderships: [a]}\nleader: {path: /, leadership: b, replica: /r, term: /t}", `the leadership "b" of "leader" is not among them`},
	"keys in words":                              {"leader: false", "leader: false, concurrency_keys: yes", "system.yaml:9:47: concurrency_keys: want true or false"},
	"a store like a replica":                     {"settle: 4s", brings("name: replica-1, command: [a], ports: {a: A}"), `system.yaml:11:17: "replica-1" means something else already`},
	"a store in capitals":                        {"settle: 4s", brings("name: Broker, command: [a], ports: {a: A}"), "system.yaml:11:17: name: want a name of small letters"},
	"a store without a command":                  {"settle: 4s", brings("name: broker, ports: {a: A}"), `system.yaml:11:10: store lacks a "command" (`},
	"a store's unknown field":                    {"settle: 4s", brings("name: broker, command: [a], ports: {a: A}, rady: {}"), `unknown field "rady": did you mean "ready"?`},
	"two stores of one name":                     {"settle: 4s", brings("name: a, command: [a], ports: {a: A}}, {name: a, command: [b], ports: {a: A}"), "system.yaml:11:57: a is there already"},
	"a store's variable":                         {"settle: 4s", brings("name: broker, command: ['${witness.url}'], ports: {a: A}"), `unknown variable "witness.url"`},
	"a store's address":                          {"command: [ledger]", `command: [ledger, "${broker.address}"]`, `system.yaml:3:21: unknown variable "broker.address"`},
	"no choice of a store's port":                {"settle: 4s", brings("name: broker, command: [a], ports: {a: A, b: B}"), `system.yaml:11:10: there are several ports: say which, as "port: a"`},
	"a store's unknown port":                     {"settle: 4s", brings("name: broker, command: [a], ports: {a: A}, ready: {port: http}"), `unknown port "http": there are: a`},
	"a question to nowhere":                      {"settle: 4s", brings("name: broker, command: [a], ports: {a: A}, ready: {headers: {A: b}}"), "without a path nothing is sent"},
	"an unknown variable":                        {"command: [ledger]", `command: [ledger, "${witnes.url}"]`, `unknown variable "witnes.url": did you mean "witness.url"?`},
	"a variable that is open":                    {"command: [ledger]", `command: [ledger, "${dir"]`, `"${" opens a variable that is not closed`},
	"a variable out of place":                    {"path: /ready", `path: "/ready/${key}"`, "system.yaml:5:17: ${key}: there are no variables here"},
	"args outside of a body":                     {"path: /jobs", "path: /jobs?${args}", `system.yaml:7:9: unknown variable "args"`},
	"a path without a slash":                     {"path: /jobs", "path: jobs", "system.yaml:7:9: path: want a path, which begins with a slash"},
	"an unknown method":                          {"path: /jobs", "path: /jobs\n  method: POTS", `system.yaml:8:11: unknown method "POTS": did you mean "POST"?`},
	"a header with a space":                      {"path: /jobs", "path: /jobs\n  headers: {a b: c}", `system.yaml:8:13: "a b" is no name of a header`},
	"a header of two lines":                      {"path: /jobs", "path: /jobs\n  headers: {a: \"b\\nc\"}", "system.yaml:8:16: a: want one line"},
	"a body that is no JSON":                     {`"${key}"`, "${key}", "system.yaml:8:9: the body is no JSON"},
	"a body that tells no job":                   {`"${key}"`, `"k"`, "system.yaml:6:1: a submission has to carry ${subject}"},
	"a status that is none":                      {"path: /jobs", "path: /jobs\n  accepted: [20]", "system.yaml:8:14: accepted: want statuses of HTTP from 200 to 599"},
	"a status in words":                          {"path: /jobs", "path: /jobs\n  accepted: [ok]", "system.yaml:8:14: accepted: want statuses"},
	"a status of two meanings":                   {"path: /jobs", "path: /jobs\n  rejected: [404, 202]", "system.yaml:8:13: 202 cannot mean both"},
	"a duration without a unit":                  {"settle: 4s", "settle: 4", "system.yaml:10:9: settle: want a duration above zero, such as 500ms or 4s"},
	"a duration below zero":                      {"settle: 4s", "settle: -4s", "system.yaml:10:9: settle: want a duration above zero"},
	"a word for true":                            {"leader: false", "leader: no", "system.yaml:9:22: leader: want true or false"},
	"a promise that is none":                     {"at-least-once", "exactly", `system.yaml:9:38: unknown effects "exactly"`},
	"means that are none":                        {"at-least-once}", "at-least-once, means: [luck]}", `system.yaml:9:61: unknown means "luck": there are: fencing, key, transaction`},
	"a leader without a promise":                 {"settle: 4s", "settle: 4s\nleader: {path: /l, leadership: c, replica: /r, term: /t}", `system.yaml:11:1: it says how to ask for a leader, and promises none`},
	"a count that is none":                       {"settle: 4s", "settle: 4s\ninspect: {path: /c, each: [conections]}", `system.yaml:11:28: unknown count "conections": did you mean "connections"?`},
	"an allowance for a count that may not grow": {"settle: 4s", "settle: 4s\ninspect: {path: /c, allow: {locks: 1}}", `system.yaml:11:29: unknown field "locks": there are: connections, goroutines`},
	"an allowance that is none":                  {"settle: 4s", "settle: 4s\ninspect: {path: /c, allow: {connections: -1}}", "system.yaml:11:42: connections: want a number for each replica"},
	"a count that is there twice":                {"settle: 4s", "settle: 4s\ninspect: {path: /c, each: [locks, locks]}", "system.yaml:11:35: locks is there already"},
	"a hint of two lines":                        {"command: [ledger]", "command: [ledger]\n  missing: \"a\\nb\"", "system.yaml:4:12: missing: want one line"},
	"a stop of no JSON":                          {"settle: 4s", "settle: 4s\nstop: {path: /stop, body: now}", "system.yaml:11:27: the body is no JSON"},
	"a stop with a variable":                     {"settle: 4s", "settle: 4s\nstop: {path: '/stop/${key}'}", "system.yaml:11:14: ${key}: there are no variables here"},
	"a pointer without a slash":                  {"settle: 4s", "settle: 4s\nleader: {path: /l, leadership: c, replica: r, term: /t}", "system.yaml:11:44: replica: want a JSON pointer"},
	"an anchor":                                  {"name: ledger", "name: &n ledger", "system.yaml:1:7: anchors, aliases and tags are not taken"},
	"a tag":                                      {"name: ledger", "name: !!str ledger", "system.yaml:1:7: anchors, aliases and tags are not taken"},
	"a merge":                                    {"settle: 4s", "settle: 4s\n<<: {a: b}", "system.yaml:11:1: the manifest: want a plain word before the colon"},
	"a second document":                          {"settle: 4s", "settle: 4s\n---\nname: b", "system.yaml:11:1: a second document begins here"},
	"no YAML":                                    {"name: ledger", "name: [ledger", "system.yaml:1:1: did not find expected ',' or ']'"},
	"a tab for indentation":                      {"  ports:", "\tports:", "system.yaml:4:1: the line is indented with a tab: YAML takes spaces only"},
	"a read where nothing is taken":              {"submit:\n  path: /jobs\n  body: '{\"key\": \"${key}\", \"args\": ${args}}'", "read: {path: '/${key}', state: /s, done: [ok]}", "system.yaml:6:1: it says how to ask about a job, and takes none"},
	"a read of no job":                           {"settle: 4s", "settle: 4s\nread: {path: /job, state: /s, done: [ok]}", "system.yaml:11:1: a question has to carry ${key} or ${subject}"},
	"a read of what is not there":                {"path: /jobs", "path: /jobs/${key}\nread:\n  path: /jobs/${kind}", `unknown variable "kind": there are: key, subject`},
	"a read without a state":                     {"settle: 4s", "settle: 4s\nread: {path: '/${key}', done: [ok]}", `system.yaml:11:1: read lacks the field "state": where the answer has the job's state`},
	"a read that is never done":                  {"settle: 4s", "settle: 4s\nread: {path: '/${key}', state: /s}", `system.yaml:11:1: read lacks the field "done": the words for a job that is done`},
	"a state of two meanings":                    {"settle: 4s", "settle: 4s\nread: {path: '/${key}', state: /s, done: [ok], dead: [no, ok]}", "system.yaml:11:59: ok is there already"},
	"a state that is there twice":                {"settle: 4s", "settle: 4s\nread: {path: '/${key}', state: /s, done: [ok, ok]}", "system.yaml:11:47: ok is there already"},
	"a state that is a number":                   {"settle: 4s", "settle: 4s\nread: {path: '/${key}', state: /s, done: [2]}", "system.yaml:11:43: done: want text"},
}

func TestMistakesNameTheirPlace(t *testing.T) {
	for name, m := range mistakes {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(small, m.old))
			_, err := Parse("system.yaml", []byte(strings.Replace(small, m.old, m.new, 1)))
			require.ErrorContains(t, err, m.want)
		})
	}
}

func TestHowItIsWrittenDoesNotMatter(t *testing.T) {
	want := parse(t, small)
	for name, source := range map[string]string{
		"a comment, and a mark before it begins": "# of a ledger\n---\n" + small,
		"a mark after its end":                   small + "...\n",
		"line ends of Windows":                   strings.ReplaceAll(small, "\n", "\r\n"),
		"JSON": `{"name": "ledger", "replica": {"command": ["ledger"], "ports": {"http": "LISTEN"}, "ready": {"path": "/ready"}},
			"submit": {"path": "/jobs", "body": "{\"key\": \"${key}\", \"args\": ${args}}"},
			"guarantees": {"leader": false, "effects": "at-least-once"}, "settle": "4s"}`,
	} {
		got, err := Parse("/srv/system.yaml", []byte(source))
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
}

func TestWhatIsNoManifestIsRefused(t *testing.T) {
	for source, want := range map[string]string{
		"":            "system.yaml:1:1: it is empty",
		"# nothing\n": "system.yaml:1:1: it is empty",
		"n\x00a\x00m\x00e\x00:\x00 \x00x\x00\n\x00": "system.yaml:1:1: it is UTF-16: save it as UTF-8",
		"\x7fELF\x02\x01\x01\x00\n":                 "system.yaml:1:1: it is no text: it has zero bytes",
		"ledger":                                    "system.yaml:1:1: the manifest: want the fields compose, guarantees, inspect, leader",
		strings.Repeat("#", maxSource) + "#":        "system.yaml:1:1: a manifest has at most 65536 bytes, this has 65537",
	} {
		_, err := Parse("system.yaml", []byte(source))
		require.ErrorContains(t, err, want)
		require.Less(t, len(err.Error()), 1000)
	}
	_, err := Load("testdata/missing.yaml")
	require.ErrorContains(t, err, "read manifest: open testdata/missing.yaml")
}

func TestAByteOrderMarkIsNoMistake(t *testing.T) {
	require.Equal(t, "ledger", parse(t, "\ufeff"+small).Name())
}

func TestOfManyMistakesTwentyAreTold(t *testing.T) {
	var wrong strings.Builder
	for i := range 500 {
		fmt.Fprintf(&wrong, "wrong-%d: 1\n", i)
	}
	_, err := Parse("system.yaml", []byte(small+wrong.String()))
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok)
	require.Len(t, joined.Unwrap(), 21)
	require.EqualError(t, joined.Unwrap()[20], "system.yaml:31:1: and 480 more mistakes from here on")
}

func TestALineIsShownAsFarAsItHelps(t *testing.T) {
	long := (&Error{File: "f", Line: 1, Column: 100_001, Text: strings.Repeat("a", 100_000) + "HERE" + strings.Repeat("b", 100_000), Err: errors.New("wrong")}).Error()
	require.Less(t, len(long), 500)
	lines := strings.Split(long, "\n")
	require.Equal(t, strings.Index(lines[1], "HERE"), strings.Index(lines[2], "^"), "%s", long)
	_, err := Parse("system.yaml", []byte(strings.Replace(small, "name: ledger", "name: \"le\x1b[31mdger\"", 1)))
	require.Error(t, err)
	require.NotContains(t, err.Error(), "\x1b")
}

func TestEveryMistakeIsToldAtOnceInTheOrderOfTheFile(t *testing.T) {
	_, err := Parse("system.yaml", []byte("setle: 4s\nname: [\"a\", b]\nreplica: {command: [], ready: 1}\n"))
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok)
	var places [][2]int
	for _, e := range joined.Unwrap() {
		var mistake *Error
		require.ErrorAs(t, e, &mistake)
		places = append(places, [2]int{mistake.Line, mistake.Column})
	}
	require.Equal(t, [][2]int{{1, 1}, {1, 1}, {1, 1}, {2, 7}, {3, 1}, {3, 20}, {3, 31}}, places)
}

func TestAMistakeIsShown(t *testing.T) {
	_, err := Parse("dir/system.yaml", []byte(strings.Replace(small, "settle: 4s", "settle: soon # enough", 1)))
	require.EqualError(t, err, `dir/system.yaml:10:9: settle: want a duration above zero, such as 500ms or 4s
  10 | settle: soon # enough
     |         ^`)
	require.Equal(t, "f:1:4: wrong\n  1 | \t\u00e9: x\n    | \t  ^",
		(&Error{File: "f", Line: 1, Column: 4, Text: "\t\u00e9: x", Err: errors.New("wrong")}).Error(), "tabs stay, letters become spaces")
}
