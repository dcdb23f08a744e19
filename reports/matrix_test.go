package reports_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/reports"
)

// matrix has a defect of every finding, and an accused sound system.
func matrix() reports.Matrix {
	try := func(f reports.Finding, why string, failed ...string) reports.Try {
		return reports.Try{
			Finding: f, Why: why, Failed: failed, Seed: 7, Took: reports.NewMillis(9 * time.Second),
			Run: "runs/a", Repeat: "drillrun run calm --seed 7",
		}
	}
	took := reports.NewMillis(13_642 * time.Millisecond)
	proof := func(name, gate string, f reports.Finding, attempts ...reports.Attempt) reports.Proof {
		return reports.Proof{
			Defect: name, Gate: gate, Finding: f, Attempts: attempts,
			Wrong: "what is | wrong", Origin: "a review", Symptom: "what must be seen",
		}
	}
	caught := proof("no-term", "unfenced", reports.Caught,
		reports.Attempt{Scenario: "calm", Finding: reports.Missed, Asked: 2, Tries: []reports.Try{
			try(reports.Caught, "", "unfenced"), try(reports.Missed, "every gate passed"),
		}},
		reports.Attempt{Scenario: "leader-pause", Finding: reports.Caught, Asked: 2, Tries: []reports.Try{
			try(reports.Caught, "", "unfenced"), try(reports.Caught, "", "unfenced", "overlap"),
		}})
	caught.By, caught.TimeToCatch = "leader-pause", &took
	caught.Calm, caught.ShowsInCalm = &reports.Attempt{Scenario: "leader-pause", Finding: reports.Shows, Asked: 1, Tries: []reports.Try{try(reports.Shows, "", "unfenced")}}, true
	idle := proof("no-work", "lost", reports.Unclear, reports.Attempt{
		Scenario: "worker-kill", Finding: reports.Caught, Asked: 1, Tries: []reports.Try{try(reports.Caught, "", "lost")},
	})
	idle.By, idle.Why = "worker-kill", "without faults: stuck failed, and nothing had been broken"
	idle.Calm = &reports.Attempt{Scenario: "worker-kill", Finding: reports.Accused, Asked: 1, Tries: []reports.Try{try(reports.Accused, "stuck failed, and nothing had been broken", "stuck")}}
	return reports.Matrix{
		Schema: reports.Schema, Verdict: gates.Fail, Seed: 7, Took: reports.NewMillis(2 * time.Minute),
		Defects: []reports.Proof{
			caught,
			proof("ack-before-effect", "lost", reports.Missed, reports.Attempt{
				Scenario: "worker-kill", Finding: reports.Missed, Asked: 2, Tries: []reports.Try{
					try(reports.Missed, "outage, availability failed, and lost did not", "outage", "availability"), try(reports.Caught, "", "lost"),
				},
			}),
			proof("pooled-lock", "failover", reports.Unclear, reports.Attempt{
				Scenario: "leader-kill", Finding: reports.Unclear, Asked: 2, Tries: []reports.Try{
					try(reports.Unclear, "the script broke off"), try(reports.Caught, "", "failover"),
				},
			}),
			proof("shared-session", "outage", reports.NotRun),
			idle,
		},
		Sound: []reports.Attempt{
			{Scenario: "calm", Finding: reports.Clean, Asked: 2, Tries: []reports.Try{try(reports.Clean, ""), try(reports.Clean, "")}},
			{Scenario: "leader-pause", Finding: reports.Accused, Asked: 2, Tries: []reports.Try{
				try(reports.Clean, ""), try(reports.Accused, "overlap failed", "overlap"),
			}},
			{Scenario: "worker-kill", Asked: 2, Finding: reports.NotRun},
		},
	}
}

func writeMatrix(t *testing.T, writer reports.MatrixWriter, m reports.Matrix) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, writer(&b, m))
	return b.Bytes()
}

func TestTheMatrixLooksAsItShould(t *testing.T) {
	for name, writer := range map[string]reports.MatrixWriter{
		"matrix.txt":       reports.Terminal{Width: 100}.WriteMatrix,
		"matrix-color.txt": reports.Terminal{Width: 100, Color: true}.WriteMatrix,
		"matrix.md":        reports.MatrixMarkdown,
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, writeMatrix(t, writer, matrix())) })
	}
}

func TestTheMatrixKeepsToTheWidth(t *testing.T) {
	for line := range strings.Lines(string(writeMatrix(t, reports.Terminal{Width: 80}.WriteMatrix, matrix()))) {
		require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 80, line)
	}
}

func TestTheMatrixAsJSONSaysAllOfIt(t *testing.T) {
	var read reports.Matrix
	require.NoError(t, json.Unmarshal(writeMatrix(t, reports.MatrixJSON, matrix()), &read))
	require.Equal(t, matrix(), read)
	require.Equal(t, 1, read.ExitCode())
}

func TestTheTrackRecordTellsWhatIsOpen(t *testing.T) {
	write := reports.TrackRecord([]reports.Awaited{{Name: "purge-skipped", Wrong: "the dead prefix is kept", For: "runs"}}, "| no. | what was possible |\n|---|---|\n| A1 | anything |\n")
	golden(t, "track-record.md", writeMatrix(t, write, matrix()))
}

func TestBugsOfOtherSystemsHaveATableOfTheirOwn(t *testing.T) {
	m := matrix()
	bug := m.Defects[0]
	bug.Defect, bug.Bug = "river-silent-fetch", &reports.Bug{With: "old/system.yaml", Without: "new/system.yaml"}
	bug.Attempts = []reports.Attempt{bug.Attempts[1]}
	bug.Attempts[0].Asked, bug.Attempts[0].Tries = 3, append(bug.Attempts[0].Tries, bug.Attempts[0].Tries[0])
	m.Defects = append([]reports.Proof{bug}, m.Defects...)
	golden(t, "track-record-bugs.md", writeMatrix(t, reports.TrackRecord(nil, ""), m))
}
