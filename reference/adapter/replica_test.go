package adapter

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/controlplane"

	"github.com/drillrun/drillrun/drills"
)

func TestAReplicaWithAnUnknownDefectRefusesToStart(t *testing.T) {
	var stderr bytes.Buffer
	environment := map[string]string{defectMark: "no-such"}
	getenv := func(name string) string { return environment[name] }
	require.Equal(t, controlplane.ExitConfig, runReplica(t.Context(), getenv, &bytes.Buffer{}, &stderr))
	require.Contains(t, stderr.String(), `unknown defect "no-such"`)
}

func TestOptionsThatMeanNothingAreRefused(t *testing.T) {
	system := &System{}
	for _, options := range []map[string]string{{DefectOption: "no-such"}, {"defcet": "no-term"}} {
		_, err := system.Start(t.Context(), drills.Environment{Options: options}, 3)
		require.ErrorContains(t, err, "the reference has no", options)
	}
	for _, list := range []string{"", "witness", "postgres,", "redis,mongo"} {
		err := system.CheckOptions(map[string]string{directOption: list})
		require.ErrorContains(t, err, "the reference's option direct lists some of postgres,redis", list)
	}
	require.NoError(t, system.CheckOptions(map[string]string{DefectOption: "no-term", directOption: "redis,postgres"}))
	require.NoError(t, system.CheckOptions(nil))
}
