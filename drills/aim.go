package drills

import "strings"

// AimKind is what a name in a step stands for.
type AimKind int

// The kinds of aims.
const (
	AimProcess   AimKind = iota + 1 // replicas or a store: "leader", "replica-2", "redis"
	AimReplica                      // replicas only
	AimHeld                         // what a fault holds: "victim", a process, "backend/NAME"
	AimEnd                          // the far end of a link: "redis", "witness", "all"
	AimLogin                        // a store of that role, which the harness can log in to
	AimVictim                       // whatever the last fault has hit; has no name
	AimLeader                       // the system has a leader; has no name
	AimQueue                        // the system tells who is next for the leadership; has no name
	AimKindOfJob                    // a kind of jobs
)

// Aim is what has to be there for a step to be taken. A script is held against the
// system by its aims before anything starts.
type Aim struct {
	Kind AimKind
	Name string
}

// AimProcesses are the aims of selectors joined by commas: replicas or stores.
func AimProcesses(selectors string) []Aim { return aimEach(AimProcess, selectors) }

// AimReplicas are the aims of selectors joined by commas: replicas only.
func AimReplicas(selectors string) []Aim { return aimEach(AimReplica, selectors) }

// AimLinks are the aims of links, FROM->TO[,TO…].
func AimLinks(text string) []Aim {
	from, to, _ := strings.Cut(text, "->")
	return append(aimEach(AimReplica, from), aimEach(AimEnd, to)...)
}

func aimEach(kind AimKind, names string) (aims []Aim) {
	for name := range strings.SplitSeq(names, ",") {
		aims = append(aims, Aim{kind, name})
	}
	return aims
}

// Outline is what a system will be made of, as far as scripts name it.
type Outline struct {
	Stores []StoreOutline
	// Ends are what else its replicas have links to: the witness, and backends.
	Ends []string
	// Kinds are those of its jobs. Nil where nobody has said; empty where there is
	// one, which no script can choose.
	Kinds []string
	// Queue says that it tells which replica is next for the leadership.
	Queue bool
	// Inspected says that it can be asked what is in its stores.
	Inspected bool
}

// StoreOutline is a store that a system will have.
type StoreOutline struct {
	Name  string
	Role  Role
	Login bool // the harness can log in to it
}

// Outlined is an optional interface of a System that can say what it will be made
// of. Scripts are held against that before anything starts; without it, a name that
// means nothing is found out when its step comes.
type Outlined interface {
	Outline() Outline
}
