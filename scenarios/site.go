package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/internal/suggest"
)

// Site is what a script will find when it is run.
type Site struct {
	System   string // empty where none has been chosen
	Replicas int
	Leader   bool // the system promises one
	drills.Outline
}

// selectors choose replicas by what they are at the moment.
var selectors = []string{"leader", "follower", "waiter", "any", "all", "victim"}

// elsewhere are words that people bring along from other tools.
var elsewhere = map[string]string{
	"master": "leader", "primary": "leader", "slave": "follower", "secondary": "follower", "standby": "follower",
	"random": "any", "pg": "postgres", "postgresql": "postgres", "valkey": "redis",
}

// Fit holds a script against the site: every name has to stand for something that
// can be there when its step is taken.
func Fit(s *drills.Scenario, verbs map[string]drills.VerbSpec, site Site) Mistakes {
	f := fitting{scenario: s, verbs: verbs, site: site}
	f.steps(s.Steps)
	return f.mistakes
}

// fitting goes through a script in the order of its lines.
type fitting struct {
	scenario *drills.Scenario
	verbs    map[string]drills.VerbSpec
	site     Site
	broken   bool // a fault stands before
	mistakes Mistakes
}

func (f *fitting) steps(steps []drills.Step) {
	for _, s := range steps {
		if s.Verb == "repeat" {
			f.steps(s.Body)
			continue
		}
		spec := f.verbs[s.Verb]
		if spec.Aims != nil {
			for _, aim := range spec.Aims(s.Args) {
				if err := f.miss(aim); err != nil {
					f.mistakes = f.mistakes.In(f.scenario.File, drills.GateLine{Line: s.Line, Text: s.Text}, err)
					break // one mistake is told of one line
				}
			}
		}
		f.broken = f.broken || spec.Breaks
	}
}

// miss says why there can be nothing where a step aims at; nil where there can.
func (f *fitting) miss(aim drills.Aim) error {
	switch aim.Kind {
	case drills.AimProcess:
		return f.selector(aim.Name, true)
	case drills.AimReplica:
		return f.selector(aim.Name, false)
	case drills.AimHeld:
		return f.held(aim.Name)
	case drills.AimEnd:
		return f.site.end(aim.Name)
	case drills.AimLogin:
		return f.site.login(drills.Role(aim.Name))
	case drills.AimVictim:
		return f.victim()
	case drills.AimLeader:
		return f.site.leader()
	case drills.AimQueue:
		return f.site.queue()
	case drills.AimKindOfJob:
		return f.site.kind(aim.Name)
	}
	return fmt.Errorf("unknown kind of aim %d", aim.Kind)
}

func (f *fitting) victim() error {
	if f.broken {
		return nil
	}
	return errors.New("no fault stands before it, so that there is no victim yet")
}

// selector judges a word that chooses replicas, or perhaps a store.
func (f *fitting) selector(word string, stores bool) error {
	key, ofOne := strings.CutPrefix(word, "leader/")
	switch {
	case ofOne && key == "":
		return errors.New("leader/ lacks the name of the leadership: write leader/KEY")
	case ofOne, word == "leader":
		return f.site.leader()
	case word == "victim":
		return f.victim()
	case word == "waiter":
		if err := f.site.alone(word); err != nil {
			return err
		}
		return f.site.queue()
	case word == "follower":
		return f.site.alone(word)
	case slices.Contains(selectors, word), f.site.replica(word):
		return nil
	case f.site.store(word) && stores:
		return nil
	case f.site.store(word):
		return fmt.Errorf("%s is a store: want a replica, such as leader, any or replica-1", word)
	}
	return f.nobody(word, stores)
}

// held judges what a recovery names: a process, or a backend of the witness.
func (f *fitting) held(word string) error {
	if backend, is := strings.CutPrefix(word, "backend/"); is {
		if slices.Contains(drills.BackendNames(), backend) {
			return nil
		}
		return suggest.Unknown("backend", backend, drills.BackendNames())
	}
	if word == "victim" || f.site.replica(word) || f.site.store(word) {
		return nil
	}
	if slices.Contains(selectors, word) {
		return fmt.Errorf("%q may be another one by now: name what was hit, or write victim", word)
	}
	return f.nobody(word, true)
}

// nobody says that there is nothing of that name.
func (f *fitting) nobody(word string, stores bool) error {
	if number, is := strings.CutPrefix(word, "replica-"); is && number != "" && strings.Trim(number, "0123456789") == "" {
		return fmt.Errorf("there is no %s: the drill has %s", word, f.site.replicas())
	}
	known := append(slices.Clone(selectors), "leader/KEY")
	for i := range f.site.Replicas {
		known = append(known, fmt.Sprintf("replica-%d", i+1))
	}
	if stores {
		known = append(known, f.site.stores()...)
	}
	return f.site.unknown("target", word, known)
}
