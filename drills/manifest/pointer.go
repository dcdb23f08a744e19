package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// pointer is a JSON pointer (RFC 6901): the way to a value in an answer.
type pointer []string

func parsePointer(text string) pointer {
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	var p pointer
	for _, step := range strings.Split(text, "/")[1:] {
		p = append(p, unescape.Replace(step))
	}
	return p
}

// parseAnswer reads an answer that pointers lead into.
func parseAnswer(text []byte) (answer any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&answer); err != nil {
		return nil, fmt.Errorf("the answer is no JSON: %w", err)
	}
	return answer, nil
}

// of finds what the pointer leads to, as text; null and what is not there are
// empty.
func (p pointer) of(answer any) (string, error) {
	for _, step := range p {
		switch inside := answer.(type) {
		case map[string]any:
			answer = inside[step]
		case []any:
			i, err := strconv.ParseUint(step, 10, 16)
			if err != nil || int(i) >= len(inside) {
				return "", nil
			}
			answer = inside[i]
		default:
			return "", nil
		}
	}
	switch found := answer.(type) {
	case nil:
		return "", nil
	case string:
		return found, nil
	case json.Number:
		return found.String(), nil
	}
	return "", fmt.Errorf("/%s is neither text nor a number", strings.Join(p, "/"))
}
