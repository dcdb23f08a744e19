package manifest

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// schemaPart is a part of the schema, as far as it is held against the decoder.
type schemaPart struct {
	Description string
	Properties  map[string]*schemaPart
	Required    []string
	Items       *schemaPart
	AnyOf       []*schemaPart
	Enum        []string

	AdditionalProperties *schemaPart
}

// UnmarshalJSON takes a schema that is true or false for one that says nothing.
func (p *schemaPart) UnmarshalJSON(source []byte) error {
	if source[0] != '{' {
		return nil
	}
	type plain schemaPart
	return json.Unmarshal(source, (*plain)(p))
}

// schema is the schema of manifests, and what judges by it.
func schema(t testing.TB) (*schemaPart, *jsonschema.Schema) {
	t.Helper()
	var s schemaPart
	require.NoError(t, json.Unmarshal(Schema, &s))
	compiled, err := jsonschema.CompileString("system.schema.json", string(Schema))
	require.NoError(t, err)
	return &s, compiled
}

// judge holds a source against the schema.
func judge(t testing.TB, by *jsonschema.Schema, source []byte) error {
	t.Helper()
	var read, instance any
	if err := yaml.Unmarshal(source, &read); err != nil {
		return err
	}
	text, err := json.Marshal(read) // numbers as JSON has them
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &instance))
	return by.Validate(instance)
}

// The fields of each part are those of the schema, by what is told of a field
// that is in neither; and what the schema requires is what is missed.
func TestTheSchemaHasTheFieldsOfTheDecoder(t *testing.T) {
	s, _ := schema(t)
	for path, part := range map[string]*schemaPart{
		"":                    s,
		"replica":             s.Properties["replica"],
		"replica: ready":      s.Properties["replica"].Properties["ready"],
		"submit":              s.Properties["submit"],
		"read":                s.Properties["read"],
		"leader":              s.Properties["leader"],
		"inspect":             s.Properties["inspect"],
		"stop":                s.Properties["stop"],
		"stores":              s.Properties["stores"].Items.AnyOf[1],
		"stores: ready":       s.Properties["stores"].Items.AnyOf[1].Properties["ready"],
		"guarantees":          s.Properties["guarantees"],
		"compose":             s.Properties["compose"],
		"compose: ready":      s.Properties["compose"].Properties["ready"],
		"compose: stores: db": s.Properties["compose"].Properties["stores"].AdditionalProperties.AnyOf[1],
	} {
		source := "zzzzzzzz: 1\n"
		if path != "" {
			source = strings.ReplaceAll(path, ": ", ": {") + ": {zzzzzzzz: 1" + strings.Repeat("}", strings.Count(path, ":")+1) + "\n"
			if rest, list := strings.CutPrefix(source, "stores: "); list {
				source = "stores: [" + strings.TrimSpace(rest) + "]\n"
			}
		}
		_, err := Parse("system.yaml", []byte(source))
		its := strings.Replace(path[strings.LastIndex(path, " ")+1:], "stores", "store", 1)
		fields := slices.Sorted(maps.Keys(part.Properties))
		require.NotEmpty(t, fields, path)
		require.ErrorContains(t, err, `unknown field "zzzzzzzz": there are: `+strings.Join(fields, ", ")+"\n", path)
		for _, name := range fields {
			lacks := its + ` lacks the field "` + name + `"`
			if slices.Contains(part.Required, name) {
				require.ErrorContains(t, err, lacks, path)
			} else if path != "" {
				require.NotContains(t, err.Error(), lacks, path)
			}
		}
		requireDescribed(t, path, part)
	}
}

func TestTheSchemaHasTheCountsOfTheDecoder(t *testing.T) {
	s, _ := schema(t)
	inspect := s.Properties["inspect"]
	require.Equal(t, countNames, inspect.Properties["each"].Items.Enum)
	require.Contains(t, inspect.Description, "The counts that there are: "+strings.Join(countNames, ", ")+".")
}

func requireDescribed(t *testing.T, path string, part *schemaPart) {
	t.Helper()
	for name, field := range part.Properties {
		require.NotEmpty(t, field.Description, "%s: %s", path, name)
	}
}

func TestTheSchemaTakesWhatTheDecoderTakes(t *testing.T) {
	_, by := schema(t)
	sources := []string{whole, small, cutSubmit(small), composed}
	for _, name := range []string{"python", "keys", "keys/bugs/lease-by-job", "compose"} {
		example, err := os.ReadFile("../../examples/" + name + "/system.yaml")
		require.NoError(t, err)
		sources = append(sources, string(example))
	}
	for _, source := range sources {
		parse(t, source)
		require.NoError(t, judge(t, by, []byte(source)))
	}
}

// The manifests that are shown to readers are ones.
func TestWhatTheDocumentationShowsIsAManifest(t *testing.T) {
	_, by := schema(t)
	guide, err := os.ReadFile("../../docs/guides/plug-in-a-system.md")
	require.NoError(t, err)
	shown := func(from string) string {
		_, after, _ := strings.Cut(string(guide), "```yaml\n"+from)
		text, _, _ := strings.Cut(from+after, "```")
		return text
	}
	comment, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	var example strings.Builder
	for line := range strings.Lines(string(comment)) {
		if text, indented := strings.CutPrefix(line, "//\t"); indented && !strings.ContainsAny(text, "├└▶") {
			example.WriteString(text)
		}
	}
	started, project, _ := strings.Cut(example.String(), "compose:\n")
	for _, source := range []string{shown("# yaml-language-server"), started} {
		require.NotNil(t, parse(t, source).leader)
		require.NoError(t, judge(t, by, []byte(source)))
	}
	rest := "name: shop\nguarantees: {leader: false, effects: at-least-once}\nsettle: 4s\n"
	for _, source := range []string{shown("name: shop\n"), rest + "compose:\n" + project} {
		require.NotNil(t, parse(t, source).compose)
		require.NoError(t, judge(t, by, []byte(source)))
	}
}

// beyond are the mistakes that a schema cannot see: those between two places,
// in variables, and in how it is written.
var beyond = []string{
	"a port that is not there", "a port that is not chosen", "a port's variable is set", "two ports in one variable",
	"a store nobody asked for", "two stores of one name", "a stop of no JSON", "a stop with a variable", "a number for a program", "a port twice", "a store's variable", "a store's address", "no choice of a store's port",
	"a store's unknown port", "an unknown variable", "a variable that is open", "a variable out of place", "args outside of a body",
	"a body that is no JSON", "a body that tells no job", "a status of two meanings", "a read of no job", "a state of two meanings", "a leader without a promise",
	"an unknown backend", "leaderships without a leader", "a leadership that is not named", "keys that nobody hands on", "keys that nobody heeds",
	"a header of two lines", "an anchor", "a tag", "a second document",
	"a settle of no time", "a settle without an end", "a grace without an end", "kinds that are not handed on", "a variable that is not set",
	"a variable of no name", "a variable of a request",
	"a name of another role", "replicas among the stores", "a witness by its address", "a port of a project twice",
}

func TestTheSchemaRefusesWhatTheDecoderRefuses(t *testing.T) {
	_, by := schema(t)
	refuses := func(name, source string) {
		err := judge(t, by, []byte(source))
		if slices.Contains(beyond, name) {
			require.NoError(t, err, "%s: it is not beyond the schema", name)
		} else {
			require.Error(t, err, name)
		}
	}
	for name, m := range mistakes {
		refuses(name, strings.Replace(small, m.old, m.new, 1))
	}
	for name, m := range composeMistakes {
		refuses(name, strings.Replace(composed, m.old, m.new, 1))
	}
}
