package manifest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTemplates(t *testing.T) {
	values := map[string]string{"a": "1", "b.c": "2"}
	for text, want := range map[string]string{
		"":                 "",
		"plain $ and } {":  "plain $ and } {",
		"${a}${b.c}":       "<1><2>",
		"x-${a}-y":         "x-<1>-y",
		"$${a}":            "${a}",
		"$${a} and ${a}":   "${a} and <1>",
		"$$${a}":           "$${a}",
		"costs 5$ ${a}":    "costs 5$ <1>",
		"${a":              "error: is not closed",
		"${}":              `error: unknown variable ""`,
		"${A}":             `error: unknown variable "A": did you mean "a"?`,
		"${ a }":           `error: unknown variable " a "`,
		"ok ${a} ${bc} ${": `error: unknown variable "bc": did you mean "b.c"?`,
	} {
		parsed, err := parseTemplate(text, []string{"a", "b.c"})
		if message, wrong := strings.CutPrefix(want, "error: "); wrong {
			require.ErrorContains(t, err, message, text)
			continue
		}
		require.NoError(t, err, text)
		require.Equal(t, want, parsed.fill(values, func(_, value string) string { return "<" + value + ">" }), text)
	}
}

func TestValuesAreEscapedForWhereTheyStand(t *testing.T) {
	values := map[string]string{"key": `a"b\c`, "args": `{"work_ms":5}`}
	body, err := parseTemplate("${key} ${args}", []string{"key", "args"})
	require.NoError(t, err)
	for contentType, want := range map[string]string{
		"application/json; charset=utf-8":   `a\"b\\c {"work_ms":5}`,
		"application/cloudevents+json":      `a\"b\\c {"work_ms":5}`,
		"application/x-www-form-urlencoded": `a%22b%5Cc {"work_ms":5}`,
		"text/plain":                        `a"b\c {"work_ms":5}`,
		"no media type at all;;":            `a"b\c {"work_ms":5}`,
	} {
		q := requestSpec{body: body, media: mediaOf(contentType)}
		require.Equal(t, want, q.fillBody(values), contentType)
	}
}

func TestPointers(t *testing.T) {
	answer := map[string]any{
		"holder": map[string]any{"name": "replica-1", "a/b~": "slashes"},
		"list":   []any{"zero", "one"}, "none": nil, "yes": true,
	}
	for text, want := range map[string]string{
		"/holder/name":      "replica-1",
		"/holder/a~1b~0":    "slashes",
		"/list/1":           "one",
		"/list/2":           "",
		"/list/x":           "",
		"/none":             "",
		"/missing/name":     "",
		"/holder/name/more": "",
	} {
		found, err := parsePointer(text).of(answer)
		require.NoError(t, err, text)
		require.Equal(t, want, found, text)
	}
	_, err := parsePointer("/yes").of(answer)
	require.EqualError(t, err, "/yes is neither text nor a number")
}
