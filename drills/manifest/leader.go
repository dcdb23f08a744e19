package manifest

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/drillrun/drillrun/drills"
)

// leaders asks the replicas of a cluster who leads.
type leaders struct{ of *cluster }

var _ drills.LeaderReporter = leaders{}

// Leaderships asks every replica that runs. Of what they say the highest term
// counts. One that does not answer, or knows of no leader, has no say.
func (l leaders) Leaderships(ctx context.Context) ([]drills.Leadership, error) {
	var found []drills.Leadership
	var errs []error
	for _, r := range l.of.running() {
		said, err := l.said(ctx, r)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("ask %s who leads: %w", r.process.Info().Name, err))
		case said.Replica != "" && (len(found) == 0 || said.Term > found[0].Term):
			found = []drills.Leadership{said}
		}
	}
	if len(found) == 0 {
		return nil, errors.Join(append(errs, errors.New("no replica names a leader"))...)
	}
	return found, nil
}

// said is what one replica says.
func (l leaders) said(ctx context.Context, r *member) (drills.Leadership, error) {
	spec := l.of.system.leader
	text, err := r.ask(ctx, spec.request)
	if err != nil {
		return drills.Leadership{}, err
	}
	answer, err := parseAnswer(text)
	if err != nil {
		return drills.Leadership{}, err
	}
	name, err := spec.replica.of(answer)
	if err != nil || name == "" {
		return drills.Leadership{}, err
	}
	leader, err := l.of.replica(name)
	if err != nil {
		return drills.Leadership{}, fmt.Errorf("it names as the leader what is none: %w", err)
	}
	written, err := spec.term.of(answer)
	if err != nil {
		return drills.Leadership{}, err
	}
	term, err := strconv.ParseUint(written, 10, 64)
	if err != nil {
		return drills.Leadership{}, fmt.Errorf("the term is no whole number: %w", err)
	}
	return drills.Leadership{Key: spec.leadership, Replica: leader.process.Info().Name, Term: term}, nil
}
