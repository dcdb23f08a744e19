package history_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
)

func TestWhatWasDrilledIsNamedWithItsOptions(t *testing.T) {
	require.Equal(t, "reference", history.Header{System: "reference"}.Drilled())
	options := map[string]string{"replication": "off", "defect": "no-term"}
	require.Equal(t, "reference, defect no-term, replication off", history.Header{System: "reference", Options: options}.Drilled())
}
