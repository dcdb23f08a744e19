package substratetest_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/drills/substrate/substratetest/prober"
)

// lieEnv has this binary run the suite on a substrate with this lie.
const lieEnv = "SUBSTRATETEST_LIE"

func TestMain(m *testing.M) {
	prober.Run()
	if os.Getenv(lieEnv) != "" {
		os.Exit(m.Run()) // a suite that fails need not be tidy
	}
	goleak.VerifyTestMain(m)
}
