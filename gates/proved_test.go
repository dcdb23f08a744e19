package gates_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
)

// The beginning of a drill, and faults that follow it.
const (
	served = `
0s    client/1  submit invoke  subject=job/1
10ms  client/1  submit ok      subject=job/1
20ms  witness   effect ok      replica=replica-1 subject=job/1 kind=once
30ms  witness   effect ok      replica=replica-1 subject=slot/1 kind=fenced leadership=cron term=1
`
	killed = `
1s    fault/1   inject invoke  fault="kill leader" victims=replica-1
1s    fault/1   inject ok      fault="kill leader" victims=replica-1
6s    fault/1   recover invoke
6s    fault/1   recover ok
`
	unproved = `
7s    fault/2   inject invoke  fault="hang compute"
8s    fault/2   inject info    fault="hang compute" err=deadline
9s    fault/2   recover invoke
9s    fault/2   recover ok
`
	again = `
10s    witness   effect ok      replica=replica-2 subject=job/1 kind=once key=another
`
	followed  = "\n20s engine end ok\n"
	brokenOff = "\n20s engine end info err=\"line 9: await new-leader: not within 5s\"\n"
)

func TestWhichViolationsStandInSpiteOfDoubts(t *testing.T) {
	for name, c := range map[string]struct {
		history, gate string
		proved        bool
	}{
		"no doubt at all":                                  {served + killed + followed, "failover < 1s", true},
		"an act of the system's, in any doubt":             {served + unproved + again + brokenOff, "duplicates == 0", true},
		"something was broken, and no rest can mend it":    {served + killed + brokenOff, "failover < 1s", true},
		"another fault may not have been what it ought to": {served + killed + unproved + brokenOff, "failover < 1s", false},
	} {
		t.Run(name, func(t *testing.T) {
			j := gates.Judge(drill(t, c.history), compile(t, c.gate), nil)
			require.Equal(t, gates.Fail, j.Results[0].Verdict, "%+v", j.Results[0])
			require.Equal(t, c.proved, j.Results[0].Proved)
		})
	}
}

func TestWhatPassesProvesNoViolation(t *testing.T) {
	j := gates.Judge(drill(t, sound), compile(t, "duplicates == 0"), nil)
	require.Equal(t, gates.Pass, j.Results[0].Verdict)
	require.False(t, j.Results[0].Proved)
}
