package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/internal/suggest"
)

// name is how messages call the system.
func (s Site) name() string {
	if s.System == "" {
		return "a system"
	}
	return s.System
}

// replicas are the names of the replicas, in words.
func (s Site) replicas() string {
	if s.Replicas == 1 {
		return "1 replica, replica-1"
	}
	return fmt.Sprintf("%d replicas, replica-1 to replica-%d", s.Replicas, s.Replicas)
}

func (s Site) replica(word string) bool {
	for i := range s.Replicas {
		if word == fmt.Sprintf("replica-%d", i+1) {
			return true
		}
	}
	return false
}

// store says whether a word means one store: by its name, or as the only one of its
// role, as [drills.Find] has it.
func (s Site) store(word string) bool {
	having := 0
	for _, store := range s.Stores {
		if store.Name == word {
			return true
		}
		if string(store.Role) == word {
			having++
		}
	}
	return having == 1
}

// stores are the names of all stores.
func (s Site) stores() (names []string) {
	for _, store := range s.Stores {
		names = append(names, store.Name)
	}
	return names
}

// unknown is the error for a name that stands for nothing.
func (s Site) unknown(kind, word string, known []string) error {
	if s.System != "" && slices.Contains([]string{string(drills.RolePostgres), string(drills.RoleRedis)}, word) {
		return fmt.Errorf("%s has no %s", s.System, word)
	}
	if meant := elsewhere[word]; meant != "" && slices.Contains(known, meant) {
		return fmt.Errorf("unknown %s %q: did you mean %q?%s", kind, word, meant, s.hint())
	}
	return fmt.Errorf("%w%s", suggest.Unknown(kind, word, known), s.hint())
}

// hint says how further names come to be known, where no system has been chosen.
func (s Site) hint() string {
	if s.System == "" {
		return "; for the stores of a manifest, name it: --system FILE"
	}
	return ""
}

// end judges the far end of a link.
func (s Site) end(word string) error {
	if word == "all" || slices.Contains(s.Ends, word) || s.store(word) {
		return nil
	}
	if s.replica(word) || slices.Contains(selectors, word) {
		return fmt.Errorf("there are no links to replicas: want one of %s", strings.Join(s.ends(), ", "))
	}
	return s.unknown("end of a link", word, append(s.ends(), "all"))
}

func (s Site) ends() []string { return append(s.stores(), s.Ends...) }

// login wants a store to which the harness can log in.
func (s Site) login(role drills.Role) error {
	for _, store := range s.Stores {
		switch {
		case store.Role != role:
		case !store.Login:
			return fmt.Errorf("nobody says how to log in to %s: write its url in the manifest", store.Name)
		default:
			return nil
		}
	}
	return fmt.Errorf("%s has no %s", s.name(), role)
}

func (s Site) leader() error {
	if s.Leader {
		return nil
	}
	return fmt.Errorf("%s promises no leader: choose any or a replica by its name, or write \"leader: true\" among its guarantees", s.name())
}

// alone refuses to choose another replica than the leader where there is none.
func (s Site) alone(word string) error {
	if s.Replicas > 1 || !s.Leader {
		return nil
	}
	return fmt.Errorf("there is no %s: the drill has 1 replica", word)
}

func (s Site) queue() error {
	if s.Queue {
		return nil
	}
	return fmt.Errorf("%s does not tell which replica is next for the leadership", s.name())
}

// kind judges a kind of jobs, where it is known which there are.
func (s Site) kind(word string) error {
	switch {
	case s.Kinds == nil || slices.Contains(s.Kinds, word):
		return nil
	case len(s.Kinds) == 0:
		return fmt.Errorf("%s has no kind %s: no submission carries ${kind}, so that its jobs are all of one kind; leave kind= out", s.name(), word)
	}
	near := ""
	if meant := suggest.Nearest(word, s.Kinds); meant != "" {
		near = fmt.Sprintf("; did you mean %q?", meant)
	}
	return fmt.Errorf("%s has no kind %s: %s%s", s.name(), word, strings.Join(s.Kinds, ", "), near)
}
