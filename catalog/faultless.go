package catalog

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/drillrun/drillrun/drills"
)

// calmWait is how long a scenario waits at each line, once its faults are taken out.
const calmWait = "500ms"

// Faultless says whether a script breaks nothing by itself.
func (s Script) Faultless() bool { return !slices.ContainsFunc(flat(s.Steps), breaks) }

// WithoutFaults is the script with everything taken out that breaks something, or
// needs something broken: the same system under the same load. It waits for nothing
// any more, so that its waits are cut short, and it is judged by these gates. Every
// line keeps its number.
func (s Script) WithoutFaults(gateLines []string) (Script, error) {
	script := txtar.Parse(s.Source)
	lines := strings.SplitAfter(string(script.Comment), "\n")
	for _, step := range flat(s.Steps) {
		at := &lines[step.Line-1]
		switch {
		case breaks(step) || mends(step):
			*at = fmt.Sprintf("wait 1ms # %s", strings.TrimLeft(*at, " \t"))
		case step.Verb == "wait":
			*at = fmt.Sprintf("wait %s # %s", calmWait, strings.TrimLeft(*at, " \t"))
		case step.Verb == "repeat":
			*at = fmt.Sprintf("repeat 1 # %s", strings.TrimLeft(*at, " \t"))
		}
	}
	script.Comment = []byte(strings.Join(lines, ""))
	script.Files = []txtar.File{{Name: "gates", Data: []byte(strings.Join(gateLines, "\n") + "\n")}}
	return Parse(s.Name+"-without-faults.txtar", txtar.Format(script))
}

// flat are all steps, those of repeats among them.
func flat(steps []drills.Step) (all []drills.Step) {
	for _, s := range steps {
		all = append(append(all, s), flat(s.Body)...)
	}
	return all
}

// breaks says whether a step is a fault, or stops replicas.
func breaks(s drills.Step) bool {
	_, isFault := Faults()[s.Verb]
	return isFault || s.Verb == "rolling-restart"
}

// mends says whether a step needs something that was broken.
func mends(s drills.Step) bool {
	return slices.Contains([]string{"heal", "start", "resume"}, s.Verb) ||
		s.Verb == "await" && !slices.Equal(s.Args.Words, []string{"steady"})
}
