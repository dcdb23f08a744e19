package gates

import (
	"slices"
	"strings"
	"time"
)

// BackendPrefix begins the name of a backend where it is an actor, or the victim
// of a fault.
const BackendPrefix = "backend/"

// Backends are those among the fault's victims, by the names of their actors.
func (l *FaultLife) Backends() []string {
	var hit []string
	for _, victim := range l.Detail.Victims {
		if strings.HasPrefix(victim, BackendPrefix) {
			hit = append(hit, victim)
		}
	}
	return hit
}

// bad says whether the fault is in effect, and not being recovered yet.
func (l *FaultLife) bad() bool { return l.InEffect.Happened() && !l.Recover.Happened() }

// Bad says whether a fault of this backend is in effect now.
func (f *Faults) Bad(backend string) bool {
	return slices.ContainsFunc(f.lives, func(l *FaultLife) bool { return l.bad() && slices.Contains(l.Backends(), backend) })
}

// BadSince says whether a fault of this backend is in effect now, or still was when
// something began that ends now.
func (f *Faults) BadSince(backend string, began time.Duration) bool {
	return slices.ContainsFunc(f.lives, func(l *FaultLife) bool {
		return (l.bad() || l.reaches(began)) && slices.Contains(l.Backends(), backend)
	})
}

// AnyBadSince says the same of any backend.
func (f *Faults) AnyBadSince(began time.Duration) bool {
	return slices.ContainsFunc(f.lives, func(l *FaultLife) bool {
		return (l.bad() || l.reaches(began)) && len(l.Backends()) > 0
	})
}

// reaches says whether the fault, which is over, was still in effect then.
func (l *FaultLife) reaches(then time.Duration) bool {
	return l.InEffect.Happened() && l.Recover.Happened() && then < l.Recover.At
}

// AnyBad says whether a fault of any backend is in effect now.
func (f *Faults) AnyBad() bool {
	return slices.ContainsFunc(f.lives, func(l *FaultLife) bool { return l.bad() && len(l.Backends()) > 0 })
}

// NoneBad says why no backend is known to have been bad; empty where one was.
func (f *Faults) NoneBad() string {
	why := "no fault was injected into a backend"
	for _, l := range f.lives {
		switch {
		case len(l.Backends()) == 0:
		case l.InEffect.Happened():
			return ""
		default:
			why = "no fault of a backend was proved to be in effect"
		}
	}
	return why
}
