package manifest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
)

// standing is a process that is looked at only.
type standing struct {
	drills.Process
	info drills.ProcessInfo
	log  string
}

func (s standing) Info() drills.ProcessInfo { return s.info }

func (s standing) Logs(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(s.log)), nil
}

// led is a cluster of replicas that say so who leads.
func led(t *testing.T, answers ...string) leaders {
	return leaders{answering(t, "/leader", answers...)}
}

// answering is a cluster of replicas that run and answer at that path; "" is one
// that is dead, though its address answers.
func answering(t *testing.T, path string, answers ...string) *cluster {
	t.Helper()
	c := &cluster{system: parse(t, whole)}
	for i, answer := range answers {
		addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, path, r.URL.Path)
			if answer == "503" {
				w.WriteHeader(http.StatusServiceUnavailable)
			} else if _, err := io.WriteString(w, answer); err != nil {
				panic(err)
			}
		})
		info := drills.ProcessInfo{Name: "replica-" + string(rune('1'+i)), Role: drills.RoleReplica, PID: 100 + i}
		if answer == "" {
			info.PID = 0
		}
		c.replicas = append(c.replicas, &member{process: standing{info: info}, addrs: map[string]string{"http": addr, "admin": addr}})
	}
	return c
}

func TestTheHighestTermSaysWhoLeads(t *testing.T) {
	const one, two, unknown = `{"holder":{"name":"replica-1"},"terms":[4]}`, `{"holder":{"name":"replica-2"},"terms":["5"]}`, `{"holder":null}`
	second := []drills.Leadership{{Key: "control", Replica: "replica-2", Term: 5}}
	for _, answers := range [][]string{
		{one, two, unknown}, {two, one, one}, {unknown, two}, {"503", two}, {"no JSON", two}, {"", two, unknown},
	} {
		found, err := led(t, answers...).Leaderships(t.Context())
		require.NoError(t, err, answers)
		require.Equal(t, second, found, answers)
	}
	for answer, want := range map[string]string{
		unknown: "no replica names a leader",
		"":      "no replica names a leader",
		"503":   "ask replica-1 who leads: answer 503",
		"{":     "the answer is no JSON",
		`{"holder":{"name":"replica-9"},"terms":[4]}`:  `it names as the leader what is none: no replica "replica-9"`,
		`{"holder":{"name":"replica-1"},"terms":[]}`:   "the term is no whole number",
		`{"holder":{"name":"replica-1"},"terms":[-1]}`: "the term is no whole number",
		`{"holder":{"name":{}},"terms":[4]}`:           "/holder/name is neither text nor a number",
	} {
		_, err := led(t, answer).Leaderships(t.Context())
		require.ErrorContains(t, err, want, answer)
	}
}

func TestTheEndOfALogIsTold(t *testing.T) {
	for log, want := range map[string]string{
		"":                                "; it printed nothing",
		"one\n":                           "; its log ends with:\n  one",
		strings.Repeat("x\n", 50) + "end": "; its log ends with:" + strings.Repeat("\n  x", lastLines-1) + "\n  end",
	} {
		r := member{process: standing{log: log}}
		require.Equal(t, want, r.told(t.Context()))
	}
}
