package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/drillrun/drillrun/drills"
)

// storeParts are what a replica can be told of a store beside its URL, for programs
// that want each part by itself.
var storeParts = map[drills.Role][]string{
	drills.RolePostgres: {"address", "host", "port", "user", "password", "database"},
	drills.RoleRedis:    {"address", "host", "port", "user", "password", "database"},
}

// fillStore adds the values of a store's variables, as it is reached at an address.
func fillStore(values map[string]string, store drills.Store, addr string) error {
	name, at := store.Info().Name, store.URL(addr)
	u, err := url.Parse(at)
	if err != nil {
		return fmt.Errorf("read the URL of %s: %w", name, errors.Unwrap(err)) // which does not tell the password
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("read the address of %s: %w", name, err)
	}
	password, _ := u.User.Password()
	for part, value := range map[string]string{
		"url": at, "address": addr, "host": host, "port": port,
		"user": u.User.Username(), "password": password, "database": strings.TrimPrefix(u.Path, "/"),
	} {
		values[name+"."+part] = value
	}
	if store.Info().Role == drills.RoleRedis {
		values[name+".user"] = cmp.Or(u.User.Username(), "default")
		values[name+".database"] = cmp.Or(values[name+".database"], "0")
	}
	return nil
}

// callerPrefix begins the variables of the environment in which drillrun was started.
const callerPrefix = "env."

// secret takes a variable of the caller's environment. Its value goes to the process
// and nowhere else: no record has it, and no message.
func (r *reader) secret(name string) error {
	of := strings.TrimPrefix(name, callerPrefix)
	if !variableName.MatchString(of) {
		return fmt.Errorf("%q is no name of a variable of the environment", of)
	}
	value, set := os.LookupEnv(of)
	if !set {
		return fmt.Errorf("${%s}: %s is not set in the environment of drillrun: export it first", name, of)
	}
	r.system.secrets[name] = value
	return nil
}
