package prove

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drillrun/drillrun/internal/input"
	"github.com/drillrun/drillrun/reports"
)

// bugFile is a bug of another system as a file tells it.
type bugFile struct {
	Name     string `yaml:"name"`
	Wrong    string `yaml:"wrong"`
	Origin   string `yaml:"origin"` // where it was reported or mended
	Symptom  string `yaml:"symptom"`
	Gate     string `yaml:"gate"`
	Scenario string `yaml:"scenario"`
	With     string `yaml:"with"`    // manifest of the release, or variant, that has it
	Without  string `yaml:"without"` // manifest of the one that has it not
	// ShowsInCalm says that it may show though nothing is broken; may be left out.
	ShowsInCalm bool `yaml:"shows_in_calm"`
}

// toldLine is how the decoder tells of a line.
var toldLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)`)

// placed says what the decoder says, as FILE:LINE: and what is wrong there.
func placed(file string, err error) error {
	told := []string{err.Error()}
	var wrong *yaml.TypeError
	if errors.As(err, &wrong) {
		told = wrong.Errors
	}
	var errs []error
	for _, text := range told {
		if found := toldLine.FindStringSubmatch(text); found != nil {
			text = found[1] + ": " + strings.Replace(found[2], "not found in type prove.bugFile", "is not known", 1)
		}
		errs = append(errs, fmt.Errorf("%s:%s", file, text))
	}
	return errors.Join(errs...)
}

// ReadBug reads a bug that another system had in one release and has no more in
// another, or that one variant of an example has and another has not. Every field
// but shows_in_calm is required, and files are named relative to this one.
func ReadBug(file string) (Defect, error) {
	source, err := input.Read(file, input.MaxManifest)
	if err != nil {
		return Defect{}, fmt.Errorf("read bug: %w", err)
	}
	var b bugFile
	from := yaml.NewDecoder(bytes.NewReader(source))
	from.KnownFields(true)
	if err := from.Decode(&b); err != nil && !errors.Is(err, io.EOF) {
		return Defect{}, placed(file, err)
	}
	beside := func(name string) string { return filepath.Join(filepath.Dir(file), name) }
	var errs []error
	for _, f := range []struct{ name, value string }{
		{"name", b.Name},
		{"wrong", b.Wrong},
		{"origin", b.Origin},
		{"symptom", b.Symptom},
		{"gate", b.Gate},
		{"scenario", b.Scenario},
		{"with", b.With},
		{"without", b.Without},
	} {
		if f.value == "" {
			errs = append(errs, fmt.Errorf("%s: %s is missing", file, f.name))
		}
	}
	return Defect{
		Name: b.Name, Wrong: b.Wrong, Origin: b.Origin, Symptom: b.Symptom, Gate: b.Gate,
		Scenarios: []string{beside(b.Scenario)}, ShowsInCalm: b.ShowsInCalm,
		Bug: &reports.Bug{With: beside(b.With), Without: beside(b.Without)},
	}, errors.Join(errs...)
}
