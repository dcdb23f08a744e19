package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
)

// diagnosis is what the machine can drill, as `doctor --json` prints it.
type diagnosis struct {
	Schema     int                  `json:"schema"`
	OK         bool                 `json:"ok"` // the default substrate can run
	Checks     []check              `json:"checks"`
	Substrates []substrateDiagnosis `json:"substrates"`
}

// check is one thing that drills need.
type check struct {
	Name      string `json:"name"`
	Substrate string `json:"substrate,omitempty"` // which needs it; empty where all do
	State     string `json:"state"`               // ok, warn (drills go on without, only worse) or missing
	Have      string `json:"have"`
	Why       string `json:"why"`
	Mend      string `json:"mend"`
}

// The states of a check.
const (
	stateOK      = "ok"
	stateWarn    = "warn"
	stateMissing = "missing"
)

type substrateDiagnosis struct {
	Name    string           `json:"name"`
	Summary string           `json:"summary"`
	Default bool             `json:"default"`
	OK      bool             `json:"ok"`
	Faults  []faultDiagnosis `json:"faults"`
}

type faultDiagnosis struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Why  string `json:"why,omitempty"` // it cannot be brought about
}

// diagnose asks every substrate what it needs.
func diagnose(ctx context.Context, substrates map[string]catalog.SubstrateEntry) diagnosis {
	d := diagnosis{Schema: 1, Checks: []check{program(), cores(runtime.GOMAXPROCS(0))}}
	for _, name := range slices.Sorted(maps.Keys(substrates)) {
		entry := substrates[name]
		s := substrateDiagnosis{
			Name: name, Summary: entry.Summary, Default: name == catalog.DefaultSubstrate, OK: true, Faults: faultsOf(entry),
		}
		for _, need := range entry.Check(ctx) {
			c := newCheckOf(name, need)
			s.OK = s.OK && c.State != stateMissing
			d.Checks = append(d.Checks, c)
		}
		d.OK = d.OK || s.Default && s.OK
		d.Substrates = append(d.Substrates, s)
	}
	return d
}

func program() check {
	return check{Name: "drillrun", State: stateOK, Have: fmt.Sprintf("%s, %s, %s/%s", buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)}
}

func cores(n int) check {
	c := check{Name: "cores", State: stateOK, Have: fmt.Sprintf("%d, so that --parallel can be %d at most", n, n)}
	if n == 1 {
		c.State, c.Have = stateWarn, "1"
		c.Why = "stores, replicas and load take turns on one core, so that times say little"
		c.Mend = "give the machine or container two cores"
	}
	return c
}

func newCheckOf(substrate string, n catalog.Need) check {
	c := check{Name: n.Name, Substrate: substrate, State: stateOK, Have: n.Have}
	if n.Err == nil {
		return c
	}
	c.State, c.Why = stateMissing, n.Err.Error()
	if environment, ok := errors.AsType[*drills.EnvironmentError](n.Err); ok {
		unhinted := *environment
		unhinted.Hint = ""
		c.Why, c.Mend = unhinted.Error(), environment.Hint
	}
	if n.Minor {
		c.State, c.Why = stateWarn, "wanted: "+c.Why
	}
	return c
}

func faultsOf(entry catalog.SubstrateEntry) (list []faultDiagnosis) {
	for _, name := range slices.Sorted(maps.Keys(catalog.Faults())) {
		why, lacks := entry.Lacks[name]
		list = append(list, faultDiagnosis{Name: name, OK: !lacks, Why: why})
	}
	return list
}

// table tells the diagnosis to people.
func (d diagnosis) table() string {
	var b strings.Builder
	d.checks(&b, "")
	var able, unable []string
	for _, s := range d.Substrates {
		title := s.Name
		if s.Default {
			title += " (the default)"
		}
		fmt.Fprintf(&b, "\n%s: %s\n", title, s.Summary)
		lacks := d.checks(&b, s.Name)
		s.tellFaults(&b)
		if s.OK {
			able = append(able, s.Name)
		} else {
			unable = append(unable, fmt.Sprintf("%s (lacks %s)", s.Name, strings.Join(lacks, ", ")))
		}
	}
	b.WriteString("\n")
	if len(able) > 0 {
		fmt.Fprintf(&b, "this machine can drill: %s\n", strings.Join(able, ", "))
	}
	if len(unable) > 0 {
		fmt.Fprintf(&b, "this machine cannot drill yet: %s\n", strings.Join(unable, ", "))
	}
	return b.String()
}

// checks tells those of a substrate, and returns what is missing.
func (d diagnosis) checks(b *strings.Builder, substrate string) (missing []string) {
	for _, c := range d.Checks {
		if c.Substrate != substrate {
			continue
		}
		state, text := c.State, c.Have
		switch c.State {
		case stateMissing:
			missing = append(missing, c.Name)
			state, text = "MISSING", c.Why
		case stateWarn:
			text = strings.TrimPrefix(c.Have+"; "+c.Why, "; ")
		}
		tellLine(b, state, c.Name, text)
		if c.Mend != "" {
			tellLine(b, "", "", "mend: "+c.Mend)
		}
	}
	return missing
}

// tellFaults lists what can be broken there, then what cannot and why.
func (s substrateDiagnosis) tellFaults(b *strings.Builder) {
	var can []string
	for _, f := range s.Faults {
		if f.OK {
			can = append(can, f.Name)
		}
	}
	title := "faults"
	for _, line := range wrap(strings.Join(can, ", "), 70) {
		tellLine(b, "", title, line)
		title = ""
	}
	for _, f := range s.Faults {
		if !f.OK {
			tellLine(b, "", "not "+f.Name, f.Why)
		}
	}
}

func tellLine(b *strings.Builder, state, name, text string) {
	fmt.Fprintf(b, "  %-8s %-15s %s\n", state, name, text)
}
