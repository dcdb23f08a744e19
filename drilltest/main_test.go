package drilltest_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/reference/adapter"
)

// lieEnv has this binary hold a system with that lie to its promises.
const lieEnv = "DRILLTEST_LIE"

func TestMain(m *testing.M) {
	adapter.RunReplica()
	if os.Getenv(toyEnv) != "" {
		playToy()
	}
	if os.Getenv(lieEnv) != "" {
		os.Exit(m.Run()) // a test that fails need not be tidy
	}
	goleak.VerifyTestMain(m)
}
