package history_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/drills/history"
)

// writerEnv makes the test binary a writer that never ends: see
// TestAKilledWriterLeavesAReadableHistory.
const writerEnv = "HISTORY_TEST_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerEnv); path != "" {
		fmt.Fprintln(os.Stderr, writeForever(path))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// writeForever appends until it is killed. Now and then it prints how many
// events have been flushed.
func writeForever(path string) error {
	log, err := history.Create(path, history.Header{Scenario: "killed"})
	if err != nil {
		return err
	}
	for {
		seq := log.Append(effectEvent("k"))
		if seq%1000 != 0 {
			continue
		}
		if err := log.Flush(); err != nil {
			return err
		}
		if _, err := fmt.Println(seq); err != nil {
			return err
		}
	}
}

func effectEvent(key string) history.Event {
	return history.Event{
		Actor: "witness", Op: history.OpEffect, Phase: history.OK, Key: key,
		Detail: history.EffectDetail(history.Effect{
			Replica: "replica-2", Subject: key, Kind: history.KindOnce, Attempt: 1, Outcome: history.Accepted,
		}),
	}
}
