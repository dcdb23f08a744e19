package witness

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// openAPI is what docs/witness.openapi.yaml says, as far as it can be held
// against the witness.
type openAPI struct {
	Paths map[string]map[string]struct {
		RequestBody struct {
			Content map[string]struct {
				Examples map[string]struct{ Value json.RawMessage }
			}
		}
		Responses map[string]any
	}
	Components struct {
		Schemas map[string]json.RawMessage
	}
}

func described(t *testing.T) openAPI {
	t.Helper()
	source, err := os.ReadFile("../../docs/witness.openapi.yaml")
	require.NoError(t, err)
	var read any
	require.NoError(t, yaml.Unmarshal(source, &read))
	text, err := json.Marshal(read)
	require.NoError(t, err)
	var d openAPI
	require.NoError(t, json.Unmarshal(text, &d))
	return d
}

func TestTheDescriptionHasTheFieldsOfTheWire(t *testing.T) {
	schemas := described(t).Components.Schemas
	for name, goes := range map[string]reflect.Type{
		"Effect": reflect.TypeFor[effect](), "Answer": reflect.TypeFor[answer](), "Durations": reflect.TypeFor[durations](),
	} {
		var fields []string
		for i := range goes.NumField() {
			tag, _, _ := strings.Cut(goes.Field(i).Tag.Get("json"), ",")
			fields = append(fields, tag)
		}
		var schema struct{ Properties map[string]any }
		require.NoError(t, json.Unmarshal(schemas[name], &schema))
		require.ElementsMatch(t, fields, slices.Collect(maps.Keys(schema.Properties)), name)
	}
}

func TestTheDescriptionTakesWhatTheWitnessTakes(t *testing.T) {
	d := described(t)
	for name, bodies := range map[string][]string{
		"Effect": {
			`{"subject":"s","key":"k","kind":"once"}`, `{"subject":"s","key":"k","kind":"record","term":3,"attempt":1}`,
			`{"subject":"s","key":"k","kind":"fenced"}`, `{"subject":"s","key":"k","kind":"fenced","leadership":""}`,
			`{"subject":"s","key":"k","kind":"fenced","leadership":"c","term":1}`, `{"subject":"s","key":"k","kind":"fenced","leadership":"c"}`,
			`{"key":"k","kind":"once"}`, `{"subject":"s","kind":"once"}`, `{"subject":"s","key":"k"}`, `{"subject":"","key":"k","kind":"once"}`,
			`{"subject":"s","key":"","kind":"once"}`, `{"subject":"s","key":"k","kind":"twice"}`, `{"subject":"s","key":"k","kind":"once","id":1}`,
			`{"subject":"s","key":7,"kind":"once"}`, `{"subject":"s","key":"k","kind":"once","term":-1}`,
			`{"subject":"s","key":"k","kind":"once","attempt":-1}`, `{"subject":"s","key":"` + strings.Repeat("k", maxString) + `","kind":"once"}`,
			`{"subject":"s","key":"` + strings.Repeat("k", maxString+1) + `","kind":"once"}`, `[]`, `null`,
		},
		"Durations": {
			`{"what":"call","subject":"dns","took":[1,2]}`, `{"what":"refused","subject":"dns","took":[0]}`, `{"what":"idle","subject":"dns","took":[1]}`,
			`{"what":"call","took":[1]}`, `{"what":"call","subject":"dns"}`, `{"what":"call","subject":"dns","took":[]}`,
			`{"what":"call","subject":"dns","took":[-1]}`, `{"what":"call","subject":"dns","took":[3600000000001]}`, `{"what":"call","subject":"dns","took":["1s"]}`,
		},
	} {
		schema, err := jsonschema.CompileString(name, string(d.Components.Schemas[name]))
		require.NoError(t, err)
		for _, body := range bodies {
			err := wireError(name, body)
			var instance any
			require.NoError(t, json.Unmarshal([]byte(body), &instance))
			described := schema.Validate(instance)
			require.Equal(t, err == nil, described == nil, "%s: the witness says %v, the description %v", body, err, described)
		}
	}
}

// wireError is what the witness has against a body.
func wireError(name, body string) (err error) {
	if name == "Effect" {
		_, err = decodeEffect([]byte(body))
	} else {
		_, err = decodeDurations([]byte(body))
	}
	return err
}

func TestTheDescriptionsExamplesAreTaken(t *testing.T) {
	w, d := newWorld(t), described(t)
	require.ElementsMatch(t, []string{"/v1/effects", "/v1/durations", "/healthz"}, slices.Collect(maps.Keys(d.Paths)))
	require.Contains(t, get(w, "/healthz"), "200 ")
	sent := 0
	for _, path := range []string{"/v1/effects", "/v1/durations"} {
		call := d.Paths[path]["post"]
		for name, example := range call.RequestBody.Content[typeJSON].Examples {
			r, err := http.NewRequest(http.MethodPost, "http://"+w.Addr()+path, strings.NewReader(string(example.Value)))
			require.NoError(t, err)
			r.Header.Set("Authorization", "Bearer "+w.Token("replica-1"))
			r.Header.Set("Content-Type", typeJSON)
			status, text := w.do(r)
			require.Less(t, status, 300, "%s: %s", name, text)
			require.Contains(t, call.Responses, fmt.Sprint(status), name)
			sent++
		}
	}
	require.Equal(t, 5, sent)
}
