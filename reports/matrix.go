package reports

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/drillrun/drillrun/gates"
)

// Matrix is the kill matrix: every defect against the drills that should catch
// it, and the sound system against the same drills.
type Matrix struct {
	Schema  int           `json:"schema"`
	Verdict gates.Verdict `json:"verdict"` // pass: every defect was caught, and the sound system never accused
	Seed    uint64        `json:"seed"`
	Version string        `json:"version,omitempty"` // of the drillrun that wrote it; its rows may be of others
	Took    Millis        `json:"took_ms"`
	Defects []Proof       `json:"defects"`
	Sound   []Attempt     `json:"sound"`
}

// Finding is what drills showed of a defect, or of the sound system.
type Finding string

// The findings. The first two are of a defect, the next two of the sound
// system, the others of both.
const (
	Caught  Finding = "caught"  // the gate that names the symptom failed
	Missed  Finding = "missed"  // it did not, whatever else did
	Clean   Finding = "clean"   // every gate passed
	Accused Finding = "accused" // a gate failed
	Shows   Finding = "shows"   // the gate that names the symptom failed, although nothing was broken
	Unclear Finding = "unknown"
	NotRun  Finding = "not run"
	Stale   Finding = "stale" // found once, in what is not the scenario of today
)

// Proof is what was found of one defect.
type Proof struct {
	Defect  string  `json:"defect"`
	Wrong   string  `json:"wrong"`
	Origin  string  `json:"origin"`
	Symptom string  `json:"symptom"`
	Gate    string  `json:"gate"` // the metric that names the symptom
	Bug     *Bug    `json:"bug,omitempty"`
	Finding Finding `json:"finding"`
	// By is the scenario that caught it in every trial, and TimeToCatch the
	// median over these trials, from the start of a drill to its verdict.
	By          string    `json:"by,omitempty"`
	TimeToCatch *Millis   `json:"time_to_catch_ms"`
	Attempts    []Attempt `json:"attempts"`
	// Calm is the drill of the scenario that caught it with the faults taken out, so
	// that it is the faults that show the defect; nil where none was needed: the
	// scenario breaks nothing, or nothing has caught the defect.
	Calm        *Attempt `json:"calm,omitempty"`
	ShowsInCalm bool     `json:"shows_in_calm,omitempty"` // declared: the gate may fail though nothing is broken
	Why         string   `json:"why,omitempty"`           // what stands against a catch
}

// Bug is one that a system had in a release and has no more in another. Both are
// manifests' paths.
type Bug struct {
	With    string `json:"with"`
	Without string `json:"without"`
}

// Attempt is all trials of one defect, or of the sound system, in one scenario.
type Attempt struct {
	Scenario string  `json:"scenario"`
	Finding  Finding `json:"finding"`
	Asked    int     `json:"asked"` // how many trials there should be
	Tries    []Try   `json:"trials"`
	// Version is the drillrun that drilled it, and Digest that of the scenario then:
	// what was found of another scenario says nothing of the one of today.
	Version string `json:"version,omitempty"`
	Digest  string `json:"digest,omitempty"`
	Stale   string `json:"stale,omitempty"` // why what was found does not count any more
}

// Try is one drill of an attempt.
type Try struct {
	Finding Finding  `json:"finding"`
	Seed    uint64   `json:"seed"`
	Took    Millis   `json:"took_ms"` // from its start to its verdict
	Failed  []string `json:"failed"`  // the metrics whose gates failed
	Why     string   `json:"why,omitempty"`
	Run     string   `json:"run,omitempty"`
	Repeat  string   `json:"repeat,omitempty"`
}

// MatrixWriter writes a matrix in one format.
type MatrixWriter func(io.Writer, Matrix) error

// MatrixFormats are the formats of files with a matrix.
func MatrixFormats() map[string]MatrixWriter {
	return map[string]MatrixWriter{
		"json":     MatrixJSON,
		"markdown": MatrixMarkdown,
		"text":     Terminal{Width: 100}.WriteMatrix,
	}
}

// MatrixJSON writes the matrix as one JSON value, indented.
func MatrixJSON(w io.Writer, m Matrix) error { return writeJSON(w, m) }

// ExitCode is the exit status of a command that ran to its end.
func (m Matrix) ExitCode() int { return exitCode(m.Verdict) }

// Told is what there is to tell of a defect: what was found, as far as it counts.
func (p Proof) Told() Finding {
	if p.Finding == Caught && p.decisive().Stale != "" {
		return Stale
	}
	return p.Finding
}

// Told is what there is to tell of an attempt.
func (a Attempt) Told() Finding {
	if a.Finding.Verdict() == gates.Pass && a.Stale != "" {
		return Stale
	}
	return a.Finding
}

// decisive is the attempt that says most: the one that caught the defect, else
// the one that came closest.
func (p Proof) decisive() (best Attempt) {
	for i, a := range p.Attempts {
		if a.Finding == Caught {
			return a
		}
		if i == 0 || a.count(Caught) > best.count(Caught) {
			best = a
		}
	}
	return best
}

func (a Attempt) count(f Finding) (n int) {
	for _, t := range a.Tries {
		if t.Finding == f {
			n++
		}
	}
	return n
}

// share is "4 of 5", of the trials that were asked for.
func (a Attempt) share(f Finding) string {
	if len(a.Tries) == 0 {
		return "–"
	}
	return fmt.Sprintf("%d of %d", a.count(f), a.Asked)
}

// alsoFailed are the metrics that failed beside the one that names the symptom.
func (p Proof) alsoFailed() (others []string) {
	for _, t := range p.decisive().Tries {
		for _, metric := range t.Failed {
			if metric != p.Gate && !slices.Contains(others, metric) {
				others = append(others, metric)
			}
		}
	}
	return others
}

func (p Proof) timeToCatch() string {
	if p.TimeToCatch == nil {
		return "–"
	}
	// A tenth of a second is more than two runs have in common.
	return gates.FormatDuration(p.TimeToCatch.Duration().Round(100 * time.Millisecond))
}

// calm says what the defective system does in the same drill without its faults.
func (p Proof) calm() string {
	switch {
	case p.Calm == nil && p.By != "" && p.ShowsInCalm:
		return "shows" // the scenario breaks nothing
	case p.Calm == nil:
		return "–"
	}
	switch p.Calm.Finding {
	case Clean:
		return "passes"
	case Accused:
		return "fails"
	}
	return string(p.Calm.Finding)
}

// summary is the whole in a few lines.
func (m Matrix) summary() []string {
	var found []string
	for _, f := range []Finding{Caught, Missed, Unclear, NotRun, Stale} {
		n := 0
		for _, p := range m.Defects {
			if p.Told() == f {
				n++
			}
		}
		if n > 0 {
			found = append(found, fmt.Sprintf("%d %s", n, f))
		}
	}
	bugs := 0
	for _, p := range m.Defects {
		if p.Bug != nil {
			bugs++
		}
	}
	text := plural(len(m.Defects), "defect")
	if bugs > 0 {
		text += fmt.Sprintf(", %d of them in other systems", bugs)
	}
	text += ": " + strings.Join(found, ", ")
	clean := 0
	for _, a := range m.Sound {
		if a.Told() == Clean {
			clean++
		}
	}
	lines := []string{
		text + ".",
		fmt.Sprintf("The sound system: clean in %d of %s.", clean, plural(len(m.Sound), "scenario")),
		fmt.Sprintf("%s each, in %s. Verdict: %s", m.trials(), gates.FormatDuration(m.Took.Duration()), m.Verdict),
	}
	return append(lines, m.ofOthers()...)
}

// ofOthers tells the rows that are stale, and those that another version of drillrun
// has found.
func (m Matrix) ofOthers() (lines []string) {
	var stale, others named
	for _, p := range m.Defects {
		a := p.decisive()
		if p.Told() == Stale {
			stale.add(a.Stale, p.Defect)
		} else if a.Version != m.Version && m.Version != "" && len(a.Tries) > 0 {
			others.add(cmp.Or(a.Version, "a version that nobody knows"), p.Defect)
		}
	}
	for _, a := range m.Sound {
		if a.Told() == Stale {
			stale.add(a.Stale, "the sound system in "+a.Scenario)
		}
	}
	for _, why := range stale.order {
		lines = append(lines, fmt.Sprintf("Stale, and to be proved again, as %s: %s.", why, strings.Join(stale.names[why], ", ")))
	}
	for _, version := range others.order {
		lines = append(lines, fmt.Sprintf("Found by drillrun %s, and this is %s: %s.", version, m.Version, strings.Join(others.names[version], ", ")))
	}
	return lines
}

// named are names under what they have in common.
type named struct {
	order []string
	names map[string][]string
}

func (n *named) add(common, name string) {
	if n.names == nil {
		n.names = map[string][]string{}
	}
	if n.names[common] == nil {
		n.order = append(n.order, common)
	}
	n.names[common] = append(n.names[common], name)
}

// trials is how many trials each pair should have: "5 trials", or "3 to 5 trials"
// where proofs were put on top of one another.
func (m Matrix) trials() string {
	var asked []int
	for _, p := range m.Defects {
		for _, a := range p.Attempts {
			asked = append(asked, a.Asked)
		}
	}
	for _, a := range m.Sound {
		asked = append(asked, a.Asked)
	}
	if len(asked) == 0 {
		return "no trial"
	}
	least, most := slices.Min(asked), slices.Max(asked)
	if least == most {
		return plural(most, "trial")
	}
	return fmt.Sprintf("%d to %s", least, plural(most, "trial"))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
