package reports

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/drillrun/drillrun/gates"
)

// League is several systems in the same scenarios.
type League struct {
	Schema  int           `json:"schema"`
	Verdict gates.Verdict `json:"verdict"` // over all that ran; see [NewDocument]
	Conditions
	Standings []Standing `json:"standings"` // by scenario, and in it by system
}

// Conditions are what the figures of a league were measured under: without
// them, they say nothing.
type Conditions struct {
	Command   string            `json:"command"`
	Started   time.Time         `json:"started"`
	Seed      uint64            `json:"seed"`
	Trials    int               `json:"trials"` // of each scenario with each system
	Substrate string            `json:"substrate"`
	Cores     int               `json:"cores"`
	Versions  map[string]string `json:"versions"`
	Systems   []Entrant         `json:"systems"`
}

// Entrant is a system of a league.
type Entrant struct {
	Name     string   `json:"name"`
	Version  string   `json:"version,omitempty"` // as the system tells it
	From     string   `json:"from"`              // what names it on the command line
	Promises []string `json:"promises"`
}

// Standing is what one system showed in one scenario, over all trials.
type Standing struct {
	System string  `json:"system"`
	Result Results `json:"result"`
}

// NewLeague is the league of these standings.
func NewLeague(c Conditions, standings []Standing) League {
	var runs []Results
	for _, s := range standings {
		runs = append(runs, s.Result)
	}
	return League{Schema: Schema, Verdict: NewDocument(runs, false).Verdict, Conditions: c, Standings: standings}
}

// ExitCode is the exit status of a command that ran to its end.
func (l League) ExitCode() int { return exitCode(l.Verdict) }

// LeagueWriter writes a league in one format.
type LeagueWriter func(io.Writer, League) error

// LeagueFormats are the formats of files with a league.
func LeagueFormats() map[string]LeagueWriter {
	return map[string]LeagueWriter{
		"json":     LeagueJSON,
		"markdown": LeagueMarkdown,
		"text":     Terminal{Width: 100}.WriteLeague,
	}
}

// LeagueJSON writes the league as one JSON value, indented.
func LeagueJSON(w io.Writer, l League) error { return writeJSON(w, l) }

// leagueColumn is a figure of the table.
type leagueColumn struct {
	title, metric string
	quantile      float64 // of a time
	// some says that only some scenarios can show it, those that break the right
	// thing: where it is unknown and nobody asked, it is no flaw of the drill.
	some bool
}

func leagueColumns() []leagueColumn {
	return []leagueColumn{
		{title: "failover p50", metric: "failover", quantile: 0.5, some: true},
		{title: "failover max", metric: "failover", quantile: 1, some: true},
		{title: "takeover max", metric: "takeover", quantile: 1, some: true},
		{title: "outage max", metric: "outage", quantile: 1},
		{title: "duplicates", metric: "duplicates"},
		{title: "redeliveries", metric: "redeliveries"},
		{title: "lost", metric: "lost"},
		{title: "throughput", metric: "throughput"},
	}
}

// leagueHeader are the titles of the table.
func leagueHeader() []string {
	titles := []string{"scenario", "system"}
	for _, c := range leagueColumns() {
		titles = append(titles, c.title)
	}
	return append(titles, "verdict")
}

// cells are the row of a standing, without its verdict.
func (s Standing) cells() []string {
	cells := []string{clean(s.Result.Scenario), clean(cmp.Or(s.Result.System, s.System))}
	for _, c := range leagueColumns() {
		cells = append(cells, c.cell(s.Result))
	}
	return cells
}

func (c leagueColumn) cell(r Results) string {
	m := r.Metrics[c.metric]
	text := metricCell(r, c.metric)
	if len(r.Why) > 0 && text != "n/a" { // a figure of a drill in doubt is none
		return "?"
	}
	if m.Unit == gates.Duration && m.Times.Len() > 0 && text != "–" {
		text = c.time(m, r.Missing[c.metric] != "")
	}
	if text == "–" && r.ran() && !c.some {
		return "?"
	}
	return text
}

// time is the column's quantile. Where trials are missing, the longest of the
// others is its lower bound, and the median is not known.
func (c leagueColumn) time(m Metric, partly bool) string {
	text := between(m.known().Interval(c.quantile))
	switch {
	case partly && c.quantile < 1:
		return "?"
	case partly && !strings.HasPrefix(text, ">"):
		return "≥ " + text
	}
	return text
}

// verdict is the last cell: why nothing was drilled, or the verdict and how many
// gates it does not rest on.
func (s Standing) verdict() string {
	r := s.Result
	if !r.ran() {
		return clean(r.notRunBecause())
	}
	text := verdictWord(r)
	waived := 0
	for _, g := range r.Gates {
		if g.Verdict == gates.NotApplicable {
			waived++
		}
	}
	if waived > 0 {
		text += fmt.Sprintf(", %s n/a", plural(waived, "gate"))
	}
	return text
}

// objection is a gate, or a doubt, that kept a standing from passing.
type objection struct{ gate, why string }

func (s Standing) objections() (list []objection) {
	for _, g := range s.Result.Gates {
		if g.Verdict != gates.Fail && g.Verdict != gates.Unknown {
			continue
		}
		why := g.Verdict.String()
		if g.Observed != "" {
			why += ", observed " + g.Observed
		}
		if g.Why != "" && !contains(s.Result.Why, g.Why) {
			why += ": " + g.Why
		}
		list = append(list, objection{g.Gate, clean(why)})
	}
	for _, why := range s.Result.Why {
		list = append(list, objection{why: clean(why)})
	}
	return list
}

// measuredBy says under which conditions, for people.
func (c Conditions) measuredBy() string {
	return fmt.Sprintf("%s, seed %d, %s of each scenario with each system, in turn; substrate %s, %s; drillrun %s, %s, %s",
		c.Started.UTC().Format("2006-01-02 15:04 UTC"), c.Seed, plural(c.Trials, "trial"), c.Substrate,
		plural(c.Cores, "core"), c.Versions["drillrun"], c.Versions["go"], c.Versions["os"])
}

// leagueNotes are what one has to know to read the table.
func leagueNotes() []string {
	return []string{
		"Times are those of the samples of all trials; counts are their sums.",
		"failover: from a fault of the leader to the first effect of the next term.",
		"takeover: from a fault to the effect of a job that a survivor took over; there is none where jobs wait for their own replica.",
		"outage: the longest time in which nobody got a submission acknowledged.",
		"redeliveries: effects repeated and known by their key; a cost, not a fault.",
		"throughput: jobs that had their first effect while a load ran, by the time in which one did, outages included. What the " +
			"scenario offers, its rate give or take chance, is the most that can be measured: it shows who keeps up, and who is fastest only where more is offered than can be done.",
		"–: the scenario does not show it. n/a: the system does not promise it. ?: unknown, as is every figure of a drill in doubt. >, ≥: known from below only.",
		"A time says as much about a system's settings (leases, intervals) as about its design.",
	}
}
