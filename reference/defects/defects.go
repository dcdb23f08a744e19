package defects

import (
	"github.com/drillrun/drillrun/reference/controlplane"
)

// Defect is one mistake, as a variant of the sound reference.
type Defect struct {
	Name   string // as people select it
	Wrong  string // what is wrong, in a line
	Origin string // where such a mistake was found
	// Symptom is what a drill must see, in a line, and Gate the metric that
	// names it.
	Symptom string
	Gate    string
	// Scenarios should each catch it, the cheapest first.
	Scenarios []string
	// ShowsInCalm says that the symptom may be there though nothing is broken.
	ShowsInCalm bool
	// Break makes the sound parts defective.
	Break func(controlplane.Config, controlplane.Deps, *controlplane.Parts)
	// Exit, where set, is what becomes of a replica's exit code.
	Exit func(code int) int
}

// The origins of defects: the reviews in which they were found.
const (
	cloudReview    = "review of a cloud control plane made highly available"
	siteReview     = "review of a static-site platform with durable execution"
	schemaReview   = "review of a schema-change scheduler with apply leases"
	platformReview = "review of a multi-pod agent platform"
	ownGuard       = "a guard of the reference itself, removed"
)

// All returns every defect, in the order of the catalogue.
func All() []Defect {
	return []Defect{
		pooledLock(),
		reentrantHeartbeat(),
		sharedSession(),
		deadSessionKept(),
		leaderLingers(),
		oneNeverRegained(),
		pollingElector(),
		unlockCancelled(),
		noTerm(),
		checkThenWrite(),
		unfencedComplete(),
		retryIgnoresRows(),
		ackRunningDuplicate(),
		reclaimBeforeStale(),
		ackBeforeEffect(),
		effectBeforeClaim(),
		nonatomicDeadletter(),
		deadletterErrorIgnored(),
		ackWithoutDelete(),
		unknownKindAcked(),
		redisIsTruth(),
		enqueueThenInsert(),
		outboxMarkFirst(),
		outboxSkipsGap(),
		requestContextEmit(),
		detachedContext(),
		semaphoreHang(),
		fullJitterFloor(),
		callbackUnderLock(),
		halfopenStampede(),
		bulkheadCancelled(),
		roleExitZero(),
		noIdleSessionTimeout(),
		waiterWithoutLockTimeout(),
		noPendingRead(),
		noSelfFencing(),
		noForShare(),
		termInKey(),
		noRenewal(),
		unstableKey(),
		reconcilerOff(),
		noGenerationCheck(),
		lagIgnored(),
		stopWithoutHandback(),
		releaseUnannounced(),
		idempotencyKeyIgnored(),
		noReclaim(),
		neverStale(),
		finishedKept(),
		retriesForever(),
		retryUnannounced(),
		outageCountsAsFailure(),
		stepsForgotten(),
		retryOneMore(),
		refusalSlow(),
		breakerStaysOpen(),
		noBulkhead(),
		slotsShared(),
		callUnderLock(),
		readsFromMemory(),
	}
}

// Named returns the defect of that name.
func Named(name string) (Defect, bool) {
	for _, d := range All() {
		if d.Name == name {
			return d, true
		}
	}
	return Defect{}, false
}

// Build makes the parts of a replica with the defect.
func (d Defect) Build(c controlplane.Config, deps controlplane.Deps) *controlplane.Parts {
	parts := controlplane.Sound(c, deps)
	d.Break(c, deps, parts)
	return parts
}

// ExitCode is what a replica with the defect exits with where a sound one
// exits with code.
func (d Defect) ExitCode(code int) int {
	if d.Exit == nil {
		return code
	}
	return d.Exit(code)
}
