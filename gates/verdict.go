package gates

import "fmt"

// Verdict is the outcome of a gate, of a scenario, of a run.
type Verdict int

// The verdicts. Unknown is the zero value, and it does not pass.
const (
	Unknown       Verdict = iota // no proof either way
	Pass                         // shown to hold
	Fail                         // shown to be violated
	NotApplicable                // the system does not promise this
)

var verdictNames = [...]string{Unknown: "unknown", Pass: "pass", Fail: "fail", NotApplicable: "n/a"}

func (v Verdict) String() string {
	if v < 0 || int(v) >= len(verdictNames) {
		return fmt.Sprintf("verdict(%d)", int(v))
	}
	return verdictNames[v]
}

// MarshalText encodes the verdict as its name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the name of a verdict.
func (v *Verdict) UnmarshalText(text []byte) error {
	for i, name := range verdictNames {
		if name == string(text) {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("verdict %q: want unknown, pass, fail or n/a", text)
}

// Worst is the verdict over several: fail over unknown over pass. What is not
// applicable is left out; nothing, or nothing else, is unknown.
func Worst(verdicts ...Verdict) Verdict {
	worst := NotApplicable
	for _, v := range verdicts {
		if severity(v) > severity(worst) {
			worst = v
		}
	}
	if worst == NotApplicable {
		return Unknown
	}
	return worst
}

func severity(v Verdict) int {
	switch v {
	case Fail:
		return 3
	case Pass:
		return 1
	case NotApplicable:
		return 0
	}
	return 2
}
