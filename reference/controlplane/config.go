package controlplane

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drillrun/drillrun/reference/backends"
	"github.com/drillrun/drillrun/reference/jobs"
)

// Role says which parts of the control plane a replica runs.
type Role string

// The roles of a replica.
const (
	RoleAPI    Role = "api"    // serves the API, nothing else
	RoleWorker Role = "worker" // runs jobs and campaigns for leaderships; serves no API
	RoleAll    Role = "all"
)

func (r Role) serves() bool { return r == RoleAPI || r == RoleAll }
func (r Role) works() bool  { return r == RoleWorker || r == RoleAll }

// Leadership says how the singletons are led.
type Leadership string

// The ways to lead singletons.
const (
	Together Leadership = "together" // all under one key, on one replica
	Spread   Leadership = "spread"   // each under a key of its own, over the replicas
)

// Config is a replica's configuration.
type Config struct {
	Role         Role
	Replica      string // its name, unique and stable across restarts; by default that of its host
	DatabaseURL  string
	RedisURL     string
	WitnessURL   string // base URL of the receiver of effects
	WitnessToken string
	APIAddr      string // host:port to listen on
	APIToken     string // asked for under /v1 where set

	// Backends are the base URLs of the backends, by name.
	Backends     map[backends.Name]string
	BreakerReset time.Duration // before an open breaker lets a call through
	CallShort    time.Duration // what a quick call to a backend may take
	CallLong     time.Duration // what a slow one may take

	Leadership     Leadership
	TTL            time.Duration // of a leadership's session
	Sweep          time.Duration // between sweeps of the reconciler, and between reclaims
	CronEvery      time.Duration
	SingletonEvery time.Duration // between slots of the other singletons
	Grace          time.Duration // from SIGTERM to the exit
	Lanes          map[jobs.Lane]LaneConfig
	MaxFailures    int // of a job, by its own fault, before it is given up
	LogLevel       slog.Level
}

// limit is what each call to a store or the receiver may take. Half the ttl is
// also what a leadership survives without an answer.
func (c Config) limit() time.Duration { return c.TTL / 2 }

// quiet is the silence that makes the reconciler look after a job: longer than
// a stale execution takes to be reclaimed, in whichever lane.
func (c Config) quiet() time.Duration {
	var longest time.Duration
	for _, lane := range c.Lanes {
		longest = max(longest, lane.Lease)
	}
	return 2*longest + c.Sweep
}

// ErrConfig says that a replica refuses to start as it is configured.
var ErrConfig = errors.New("configuration")

// FromEnvironment reads the configuration. Its error names every variable that
// is wrong and what to write instead.
func FromEnvironment(getenv func(string) string) (Config, error) {
	e := environment{get: getenv}
	c := Config{
		Role:           Role(getenv("ROLE")),
		Replica:        e.hostOr("REPLICA"),
		DatabaseURL:    e.url("DATABASE_URL", "postgres", "postgresql"),
		WitnessURL:     strings.TrimSuffix(e.url("WITNESS_URL", "http", "https"), "/"),
		RedisURL:       e.url("REDIS_URL", "redis", "rediss", "unix"),
		WitnessToken:   getenv("WITNESS_TOKEN"),
		APIToken:       getenv("API_TOKEN"),
		Leadership:     Leadership(getenv("LEADERSHIP")),
		TTL:            e.duration("TTL", 10*time.Second, 200*time.Millisecond),
		Sweep:          e.duration("SWEEP", 5*time.Second, 10*time.Millisecond),
		CronEvery:      e.duration("CRON_EVERY", time.Second, 10*time.Millisecond),
		SingletonEvery: e.duration("SINGLETON_EVERY", 5*time.Second, 10*time.Millisecond),
		BreakerReset:   e.duration("BREAKER_RESET", 30*time.Second, 10*time.Millisecond),
		CallShort:      e.duration("CALL_SHORT", 2*time.Second, 10*time.Millisecond),
		CallLong:       e.duration("CALL_LONG", 10*time.Second, 10*time.Millisecond),
		Grace:          e.duration("GRACE", 10*time.Second, 100*time.Millisecond),
		Lanes:          e.lanes(),
		MaxFailures:    e.number("MAX_FAILURES", 5),
		LogLevel:       e.level("LOG_LEVEL"),
	}
	if !slices.Contains([]Role{RoleAPI, RoleWorker, RoleAll}, c.Role) {
		e.wrong("ROLE", fmt.Sprintf("is %q, not one of api, worker, all", c.Role))
	}
	if c.Leadership == "" {
		c.Leadership = Together
	}
	if c.Leadership != Together && c.Leadership != Spread {
		e.wrong("LEADERSHIP", fmt.Sprintf("is %q, not one of together, spread", c.Leadership))
	}
	if c.Role.works() {
		c.Backends = map[backends.Name]string{}
		for _, name := range slices.Sorted(maps.Keys(backends.Defaults().Profiles)) {
			c.Backends[name] = strings.TrimSuffix(e.url(URLVariable(name), "http", "https"), "/")
		}
	}
	if c.Role.serves() {
		c.APIAddr = e.listen("API_ADDR")
	}
	if len(e.problems) > 0 {
		return Config{}, fmt.Errorf("%w: %s", ErrConfig, strings.Join(e.problems, "; "))
	}
	return c, nil
}

// URLVariable is the variable that holds a backend's base URL: "COMPUTE_URL".
func URLVariable(name backends.Name) string { return strings.ToUpper(string(name)) + "_URL" }

// environment reads variables and collects what is wrong with them.
type environment struct {
	get      func(string) string
	problems []string
}

func (e *environment) wrong(name, what string) {
	e.problems = append(e.problems, name+" "+what)
}

func (e *environment) required(name string) string {
	v := e.get(name)
	if v == "" {
		e.wrong(name, "is not set")
	}
	return v
}

// hostOr is the name of the host by default, which is one for each container.
func (e *environment) hostOr(name string) string {
	if v := e.get(name); v != "" {
		return v
	}
	host, err := os.Hostname()
	if err != nil {
		e.wrong(name, fmt.Sprintf("is not set, and the host has no name: %v", err))
	}
	return host
}

func (e *environment) url(name string, schemes ...string) string {
	v := e.required(name)
	if v == "" {
		return ""
	}
	// The value may hold a password: it is not repeated.
	if u, err := url.Parse(v); err != nil || !slices.Contains(schemes, u.Scheme) {
		e.wrong(name, fmt.Sprintf("is not a URL with one of the schemes %v", schemes))
	}
	return v
}

func (e *environment) duration(name string, fallback, least time.Duration) time.Duration {
	v := e.get(name)
	if v == "" {
		return fallback
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < least {
		e.wrong(name, fmt.Sprintf("is %q, not a duration of at least %v", v, least))
	}
	return d
}

func (e *environment) number(name string, fallback int) int {
	v := e.get(name)
	if v == "" {
		return fallback
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > 10000 {
		e.wrong(name, fmt.Sprintf("is %q, not a number from 1 to 10000", v))
	}
	return n
}

func (e *environment) level(name string) slog.Level {
	var l slog.Level
	if v := e.get(name); v != "" {
		if err := l.UnmarshalText([]byte(v)); err != nil {
			e.wrong(name, fmt.Sprintf("is %q, not one of debug, info, warn, error", v))
		}
	}
	return l
}

// listen reads an address to listen on. Reaching it from elsewhere has to be
// allowed explicitly.
func (e *environment) listen(name string) string {
	v := e.required(name)
	if v == "" {
		return ""
	}
	host, _, err := net.SplitHostPort(v)
	if err != nil {
		e.wrong(name, fmt.Sprintf("is %q, not host:port", v))
		return v
	}
	ip := net.ParseIP(host)
	local := host == "localhost" || ip != nil && ip.IsLoopback()
	if !local && e.get("API_ALLOW_REMOTE") != "true" {
		e.wrong(name, fmt.Sprintf("is %q, not a loopback address: set API_ALLOW_REMOTE=true to serve others", v))
	}
	return v
}
