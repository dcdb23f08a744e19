package kinds_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/reference/internal/teststores"
)

var stores *teststores.Stores

func TestMain(m *testing.M) {
	os.Exit(teststores.Run(
		func(s *teststores.Stores) int { stores = s; return m.Run() },
		func() error { return goleak.Find() }))
}
