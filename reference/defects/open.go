package defects

// Awaited is a mistake of the catalogue whose part of the reference does not
// exist yet: what is not there cannot be broken.
type Awaited struct {
	Name  string
	Wrong string // what would be wrong, in a line
	For   string // what it waits for
}

// Open returns the defects that wait, in the order of the catalogue.
func Open() []Awaited {
	const (
		runs    = "runs that survivors take over, with their streams"
		deploys = "deploys with aliases, retention and per-site order"
	)
	return []Awaited{
		{"row-before-lock", "a replica registers before it holds its liveness lock", runs},
		{"probe-then-delete", "a dead peer's row is removed after the probe's transaction has ended", runs},
		{"claim-without-cas", "two survivors claim one orphan", runs},
		{"sweep-steals", "the sweep at the start takes runs whose owner lives", runs},
		{"goodbye-erases", "a graceful stop removes its row and ownership first", runs},
		{"release-before-abort", "a claim is released before the local run is aborted", runs},
		{"purge-not-awaited", "resumed output starts before the old prefix is gone", runs},
		{"purge-skipped", "a resume keeps the dead prefix", runs},
		{"alias-last-write-wins", "an alias is moved without compare-and-set", deploys},
		{"gc-stale-plan", "deletion follows its plan without looking at the alias again", deploys},
		{"purge-registry-first", "the registry entry goes before the bytes are moved", deploys},
		{"poison-blocks-key", "a poison job keeps the slot of its key", deploys},
	}
}
