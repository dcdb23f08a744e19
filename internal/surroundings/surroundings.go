// Package surroundings keeps what a shell or a CI system hands to every program out
// of drills: a drill depends on its script, its system and its seed alone.
//
// Clients of Postgres take their settings from PG* wherever a URL is silent, other
// clients from REDIS* and *_PROXY, and programs their words from LC_* and LANG. The
// stores of a drill are its own, so that none of these can be meant for them. What
// engines of containers are told by (DOCKER_*) stays, and so does TMPDIR.
package surroundings

import (
	"os"
	"strings"
	"syscall"
)

// owner are the rights of whoever makes a file. A drill writes what it has made.
const owner = 0o700

// Shed takes them out of this process, which calls it before anything else, and has
// files belong at least to who makes them. It is safe to call twice.
func Shed() {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); leaks(name) {
			if err := os.Unsetenv(name); err != nil {
				panic(err) // a name that the environment cannot have
			}
		}
	}
	syscall.Umask(syscall.Umask(0o077) &^ owner)
}

// leaks says whether a drill would depend on that variable.
func leaks(name string) bool {
	for _, prefix := range []string{"PG", "REDIS", "LC_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == "LANG" || name == "LANGUAGE" || strings.HasSuffix(strings.ToUpper(name), "_PROXY")
}
