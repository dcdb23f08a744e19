package reports_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/gates/doublecalls"
	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/misreported"
	"github.com/drillrun/drillrun/reports"
)

func TestCallsAndEndsAreToldInWords(t *testing.T) {
	events, err := gatetest.Parse(`
1s    backend/dns call invoke  key=healing/7 replica=replica-1 subject=healing/7 kind=fenced leadership=healing term=3 call=17
1.1s  backend/dns call fail    key=healing/7 replica=replica-1 subject=healing/7 kind=fenced leadership=healing term=3 call=17 outcome=failed err="out of service"
1.2s  backend/dns call invoke  key=a replica=replica-1 subject=vm/1 kind=once call=18
1.3s  backend/dns call info    key=a replica=replica-1 subject=vm/1 kind=once call=18 err="the sender hung up"
1.4s  backend/dns call ok      key=a replica=replica-1 subject=vm/1 kind=once call=18 outcome=accepted
1.5s  backend/dns call ok      key=b replica=replica-2 subject=vm/1 kind=once call=19 outcome=accepted
1.8s  replica-1   exit info    code=-1 signal=killed oom=true
1.9s  replica-2   exit info    code=-1 signal=killed
2s    engine      end ok
`)
	require.NoError(t, err)
	text := told(t, events, doublecalls.Metric(), "double_calls == 0")
	for _, want := range []string{
		"call 17 arrives: healing/7 from replica-1 in term 3 of healing under key healing/7\n",
		"call 17 failed: healing/7 from replica-1 in term 3 of healing under key healing/7 (out of service)\n",
		"call 18 is given up: vm/1 from replica-1 under key a (the sender hung up)\n",
		"call 18 accepted: vm/1 from replica-1 under key a\n",
		"replica-1    ended by the kernel for want of memory\n",
		"replica-2    ended by a signal: killed\n",
	} {
		require.Contains(t, text, want)
	}
}

func TestWhatIsSaidOfJobsIsToldInWords(t *testing.T) {
	events, err := gatetest.Parse(`
1s    client/1    submit ok      subject=job/k
1.1s  witness     effect ok      subject=job/k replica=replica-1 kind=once
2s    engine      drain invoke
6s    engine      drain ok       complete=true
6s    reader      read ok        subject=job/k state=open replica=replica-3 attempts=2
7s    reader      read info      subject=job/l replica=replica-3 attempts=6 err="gave up"
7s    reader      read info      attempts=0 err="it cannot be asked"
8s    engine      end ok
`)
	require.NoError(t, err)
	text := told(t, events, misreported.Metric(), "misreported == 0")
	for _, want := range []string{
		"replica-3 says of job/k: open\n",
		"nobody says what became of job/l (gave up)\n",
		"read info (it cannot be asked)\n",
	} {
		require.Contains(t, text, want)
	}
}

// told is the report of a drill that fails that gate.
func told(t *testing.T, events []history.Event, metric gates.Metric, line string) string {
	t.Helper()
	gate, err := gates.Compile(line, map[string]gates.Metric{metric.Name: metric})
	require.NoError(t, err)
	h := history.New(history.Header{Scenario: "dns-slow", Guarantees: history.Guarantees{Jobs: true, Effects: "exactly-once"}}, events)
	results := reports.Build(h, gates.Judge(h, []gates.Gate{gate}, nil), reports.Place{})
	return string(write(t, reports.Terminal{Width: 200}.Write, reports.NewDocument([]reports.Results{results}, false)))
}
