package reports

import (
	"fmt"
	"strings"
)

// mostSeals is how many of a scenario's records a terminal has lines for. The others
// are in the other formats, and each in the folder of its run.
const mostSeals = 10

// record names a drill's record by the digest of its seal.
type record struct{ name, seal, signer string }

// records are those that were sealed, one a drill.
func (r Results) records() (list []record) {
	if r.Seal != "" {
		list = append(list, record{fmt.Sprintf("%s, seed %d", r.Scenario, r.Seed), r.Seal, r.SignedBy})
	}
	for _, t := range r.Trials {
		if t.Seal != "" {
			list = append(list, record{fmt.Sprintf("%s, trial %d, seed %d", r.Scenario, t.Trial, t.Seed), t.Seal, ""})
		}
	}
	return list
}

func (r record) text() string {
	text := clean(r.name) + ": sha256 " + clean(r.seal)
	if r.signer != "" {
		text += ", signed by " + clean(r.signer)
	}
	return text
}

// seals tells what is to be known of the records: the digests that tell them from any
// other, and the remarks.
func (p *page) seals(runs []Results) {
	for _, r := range runs {
		list := r.records()
		if len(list)+len(r.Remarks) > 0 {
			p.line("")
		}
		for _, record := range list[:min(len(list), mostSeals)] {
			p.line(p.ansi("2", "record of "+record.text()))
		}
		if more := len(list) - mostSeals; more > 0 {
			p.line(p.ansi("2", fmt.Sprintf("and %d more records, each with its digest in results.json", more)))
		}
		for _, remark := range r.Remarks {
			p.wrapped("", "remark: "+remark)
		}
	}
}

// markdownRecords is the same for a summary, with the digests folded.
func markdownRecords(runs []Results) string {
	var remarks, digests strings.Builder
	for _, r := range runs {
		for _, remark := range r.Remarks {
			fmt.Fprintf(&remarks, "\n%s: %s\n", escape(r.Scenario), escape(remark))
		}
		for _, record := range r.records() {
			fmt.Fprintf(&digests, "- %s\n", escape(record.text()))
		}
	}
	if digests.Len() == 0 {
		return remarks.String()
	}
	return remarks.String() + "\n<details><summary>Digests of the records</summary>\n\n" + digests.String() + "\n</details>\n"
}

// sealProperties are those of a JUnit suite.
func sealProperties(r Results) (all []junitProperty) {
	if r.Seal != "" {
		all = append(all, junitProperty{"seal", r.Seal})
	}
	if r.SignedBy != "" {
		all = append(all, junitProperty{"signed_by", r.SignedBy})
	}
	for _, t := range r.Trials {
		if t.Seal != "" {
			all = append(all, junitProperty{fmt.Sprintf("seal.%d", t.Seed), t.Seal})
		}
	}
	for _, remark := range r.Remarks {
		all = append(all, junitProperty{"remark", clean(remark)})
	}
	return all
}
