package lost

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// tell is what people need to know of jobs that are lost: how long was waited for
// them, of what kind they are, and what else may have become of them.
func (m *meter) tell(found gates.Measurement) string {
	parts := []string{fmt.Sprintf("of %d acknowledged; the first was acknowledged at event %d", found.N, found.Evidence[0])}
	if m.rest.Waited() > 0 {
		parts = append(parts, fmt.Sprintf("the drain waited %s, and the system's settle time is %s",
			gates.FormatDuration(m.rest.Waited()), gates.FormatDuration(m.header.Settle)))
	}
	if kinds := m.ofKinds(); kinds != "" {
		parts = append(parts, kinds)
	}
	if letters, missing := m.rest.Growth(history.CountDeadLetters); missing == "" && letters.After > letters.Before {
		parts = append(parts, fmt.Sprintf("there are %d dead letters more than before", letters.After-letters.Before))
	}
	if refused := m.refusals.Tell(); refused != "" {
		parts = append(parts, refused)
	}
	return strings.Join(parts, "; ")
}

// number is that of a kind of jobs: there are few. What comes after the 254th is told
// as of no kind.
func (m *meter) number(kind string) uint8 {
	i := slices.Index(m.kinds, kind)
	if i < 0 && len(m.kinds) < 254 {
		i = len(m.kinds)
		m.kinds = append(m.kinds, kind)
	}
	return uint8(i + 1)
}

// ofKinds tells of what kinds the lost jobs are; empty where none was told.
func (m *meter) ofKinds() string {
	counts := make([]int, len(m.kinds)+1)
	all := 0
	var subject gates.Subject
	for state := range m.acked.Values() {
		if owed(state) {
			counts[*m.kind.At(subject)]++
			all++
		}
		subject++
	}
	var told []string
	for i, kind := range m.kinds {
		switch n := counts[i+1]; n {
		case 0:
		case all:
			return fmt.Sprintf("all of kind %q", kind)
		default:
			told = append(told, fmt.Sprintf("%d of kind %q", n, kind))
		}
	}
	return strings.Join(told, ", ")
}

// missed adds the jobs planted to fail that are not among the dead letters.
func (m *meter) missed(found *gates.Measurement) {
	var planted, doneAll int64
	for state := range m.planted.Values() {
		switch {
		case owed(state):
			planted++
		case state&done != 0:
			doneAll++
		}
	}
	switch {
	case doneAll > 0 && found.Missing == "":
		found.Missing = fmt.Sprintf("%d jobs that were planted to fail had their effect: the system does them, and is not put to the test by them", doneAll)
	case planted == 0:
		return
	}
	letters, missing := m.rest.Growth(history.CountDeadLetters)
	if missing != "" {
		found.Missing = missing
		return
	}
	grown := letters.After - letters.Before
	if grown < 0 {
		found.Missing = fmt.Sprintf("there were %d dead letters before and %d are left: how many were added cannot be known", letters.Before, letters.After)
		return
	}
	if lost := planted - grown; lost > 0 {
		found.Value += float64(lost)
		found.Evidence = gates.AppendEvidence(found.Evidence, letters.Evidence...)
		found.Note = fmt.Sprintf("%d of %d jobs that were planted to fail are not among the dead letters", lost, planted)
	}
	if most := min(planted, planted+int64(m.open)-grown); most > max(0, planted-grown) && found.Missing == "" {
		found.Most = found.Value - float64(max(0, planted-grown)) + float64(most)
		found.Missing = fmt.Sprintf("%d jobs that were planted to fail are open: a dead letter may be theirs, or that of one of the %d acknowledged", m.open, planted)
	}
}
