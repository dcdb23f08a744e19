package manifest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/internal/suggest"
)

// countNames are the counts that a replica may tell: those that gates know. Any
// other would be judged by nobody, and nobody would notice.
var countNames = []string{
	history.CountUnfinished, history.CountDeadLetters, history.CountPending, history.CountQueued, history.CountOutbox,
	history.CountConnections, history.CountLocks, history.CountGoroutines, history.CountRepublished,
	history.CountOwnedWrites, history.CountUnfencedWrites,
}

// errCounts says that an answer will never do, however often it is asked for.
var errCounts = errors.New("the answer is wrong")

// inspector asks the replicas of a cluster what is in the stores.
type inspector struct{ of *cluster }

var _ drills.Inspector = inspector{}

// Inspect takes the counts of the first replica that answers: what is in the
// stores is the same whoever looks. A replica's own counts are the sum over all
// that run, none of which may then be silent.
func (i inspector) Inspect(ctx context.Context) (drills.Snapshot, error) {
	each := i.of.system.inspect.each
	var all drills.Snapshot
	var errs []error
	for _, r := range i.of.running() {
		counts, err := i.counts(ctx, r)
		switch {
		case errors.Is(err, errCounts):
			return nil, err
		case err != nil:
			errs = append(errs, err)
			continue
		case all == nil:
			all = counts
		default:
			for _, name := range each {
				all[name] += counts[name]
			}
		}
		if len(each) == 0 {
			return all, nil
		}
	}
	switch {
	case len(errs) > 0:
		return nil, errors.Join(errs...)
	case all == nil:
		return nil, errors.New("no replica runs that could be asked for its counts")
	}
	return all, nil
}

// check refuses an answer that will never do before anything is drilled. One that
// does not come yet is waited for by the first look.
func (i inspector) check(ctx context.Context) error {
	if _, err := i.Inspect(ctx); errors.Is(err, errCounts) {
		return err
	}
	return nil
}

// counts are what one replica tells.
func (i inspector) counts(ctx context.Context, r *member) (drills.Snapshot, error) {
	spec := i.of.system.inspect
	text, err := r.ask(ctx, spec.request)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its counts: %w", r.process.Info().Name, err)
	}
	counts, err := parseCounts(text, spec.each)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its counts: %w: %w", r.process.Info().Name, errCounts, err)
	}
	return counts, nil
}

// parseCounts reads an object of counts, those among them that each replica tells.
func parseCounts(text []byte, each []string) (drills.Snapshot, error) {
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(text, &answer); err != nil || len(answer) == 0 {
		return nil, fmt.Errorf(`%.60q: want an object of counts in JSON, such as {"unfinished": 0}`, text)
	}
	counts := drills.Snapshot{}
	for name, written := range answer {
		n, err := strconv.ParseUint(string(written), 10, 63)
		switch {
		case !slices.Contains(countNames, name):
			return nil, suggest.Unknown("count", name, countNames)
		case err != nil:
			return nil, fmt.Errorf("count %q is %.60s: want a whole number from 0 up", name, written)
		}
		counts[name] = int64(n)
	}
	for _, name := range each {
		if _, told := counts[name]; !told {
			return nil, fmt.Errorf("it has no count %q, which the manifest says each replica tells", name)
		}
	}
	return counts, nil
}
