package manifest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
)

// counted asks a cluster whose replicas answer so for its counts, of which those
// are each replica's own.
func counted(t *testing.T, each []string, answers ...string) (drills.Snapshot, error) {
	t.Helper()
	c := answering(t, "/counts", answers...)
	c.system.inspect.each = each
	return inspector{c}.Inspect(t.Context())
}

func TestTheFirstThatAnswersTellsTheCounts(t *testing.T) {
	const one, two = `{"unfinished": 3, "pending": 0}`, `{"unfinished": 2}`
	for _, answers := range [][]string{{one, two}, {"503", one}, {"", one, two}} {
		counts, err := counted(t, nil, answers...)
		require.NoError(t, err, answers)
		require.Equal(t, drills.Snapshot{"unfinished": 3, "pending": 0}, counts, answers)
	}
}

func TestCountsOfAReplicasOwnAreAddedUp(t *testing.T) {
	const one, two = `{"unfinished": 3, "connections": 4, "goroutines": 20}`, `{"unfinished": 3, "connections": 5, "goroutines": 21}`
	each := []string{"connections", "goroutines"}
	counts, err := counted(t, each, one, two, "")
	require.NoError(t, err)
	require.Equal(t, drills.Snapshot{"unfinished": 3, "connections": 9, "goroutines": 41}, counts, "the dead one has none")

	_, err = counted(t, each, one, "503")
	require.ErrorContains(t, err, "ask replica-2 for its counts: answer 503")
	_, err = counted(t, each, one, `{"connections": 5}`)
	require.ErrorContains(t, err, `ask replica-2 for its counts: the answer is wrong: it has no count "goroutines", which the manifest says each replica tells`)
}

func TestAnswersThatAreNoCountsAreRefused(t *testing.T) {
	for answer, want := range map[string]string{
		"":                         "no replica runs that could be asked",
		"503":                      "ask replica-1 for its counts: answer 503",
		"ok":                       `the answer is wrong: "ok": want an object of counts in JSON`,
		`[1]`:                      `want an object of counts`,
		`{}`:                       `want an object of counts`,
		`null`:                     `want an object of counts`,
		`{"unfinished": 1} {}`:     `want an object of counts`,
		`{"unfinishd": 1}`:         `unknown count "unfinishd": did you mean "unfinished"?`,
		`{"jobs_total": 1}`:        `unknown count "jobs_total": there are: connections, dead_letters`,
		`{"unfinished": -1}`:       `count "unfinished" is -1: want a whole number from 0 up`,
		`{"unfinished": 1.5}`:      `count "unfinished" is 1.5`,
		`{"unfinished": "1"}`:      `count "unfinished" is "1"`,
		`{"unfinished": null}`:     `count "unfinished" is null`,
		`{"unfinished": 9e99}`:     `count "unfinished" is 9e99`,
		`{"unfinished": {"a": 1}}`: `count "unfinished" is {"a": 1}`,
	} {
		_, err := counted(t, nil, answer)
		require.ErrorContains(t, err, want, answer)
	}
	_, err := counted(t, nil, `{"jobs": 1}`, `{"unfinished": 1}`)
	require.ErrorContains(t, err, "ask replica-1 for its counts: the answer is wrong", "nobody is asked instead")
}

func TestAClusterHasTheAbilitiesOfItsManifestAndNoOthers(t *testing.T) {
	full := parse(t, whole)
	for _, led := range []bool{false, true} {
		for _, counts := range []bool{false, true} {
			s := *full
			if !led {
				s.leader = nil
			}
			if !counts {
				s.inspect = nil
			}
			c := (&cluster{system: &s}).able()
			_, isLed := c.(drills.LeaderReporter)
			_, isCounted := c.(drills.Inspector)
			_, isProbed := c.(drills.Prober)
			require.Equal(t, []bool{led, counts, true}, []bool{isLed, isCounted, isProbed})
		}
	}
}
