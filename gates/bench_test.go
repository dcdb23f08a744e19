package gates_test

import (
	"fmt"
	"iter"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/gates/availability"
	"github.com/drillrun/drillrun/gates/deadletters"
	"github.com/drillrun/drillrun/gates/duplicates"
	"github.com/drillrun/drillrun/gates/failover"
	"github.com/drillrun/drillrun/gates/latency"
	"github.com/drillrun/drillrun/gates/leaked"
	"github.com/drillrun/drillrun/gates/lost"
	"github.com/drillrun/drillrun/gates/outage"
	"github.com/drillrun/drillrun/gates/overlap"
	"github.com/drillrun/drillrun/gates/recovery"
	"github.com/drillrun/drillrun/gates/redeliveries"
	"github.com/drillrun/drillrun/gates/stuck"
	"github.com/drillrun/drillrun/gates/takeover"
	"github.com/drillrun/drillrun/gates/throughput"
	"github.com/drillrun/drillrun/gates/unfenced"
	"github.com/drillrun/drillrun/gates/zombie"
)

func all() []gates.Metric {
	return []gates.Metric{
		availability.Metric(), deadletters.Metric(), duplicates.Metric(), failover.Metric(), lost.Metric(),
		outage.Metric(), redeliveries.Metric(), stuck.Metric(), unfenced.Metric(),
		takeover.Metric(), recovery.Metric(), overlap.Metric(), zombie.Metric(),
		leaked.Metric(), latency.Calm(), latency.Fault(), throughput.Metric(),
	}
}

// generated is a sound drill of so many events, made while it is read: for each
// job a submission, its acknowledgement and its effect.
type generated int

func (n generated) Header() history.Header { return promising() }

func (n generated) Events() iter.Seq2[history.Event, error] {
	return func(yield func(history.Event, error) bool) {
		for i := range int(n) {
			e := n.event(i)
			e.Seq, e.At = uint64(i)+1, time.Duration(i)*time.Microsecond
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (n generated) event(i int) history.Event {
	const tail = 4
	switch int(n) - i {
	case tail:
		return history.Event{Actor: "load/1", Op: history.OpLoad, Phase: history.OK}
	case tail - 1:
		return history.Event{Actor: "engine", Op: history.OpDrain, Phase: history.Invoke}
	case tail - 2:
		return history.Event{Actor: "engine", Op: history.OpDrain, Phase: history.OK, Detail: history.Detail(history.Drain{Complete: true})}
	case tail - 3:
		return history.Event{Actor: "engine", Op: history.OpEnd, Phase: history.OK}
	}
	if i == 0 {
		return history.Event{Actor: "load/1", Op: history.OpLoad, Phase: history.Invoke}
	}
	key := strconv.Itoa((i - 1) / 3)
	subject := "job/" + key
	switch i % 3 {
	case 1:
		return history.Event{Actor: "client/1", Op: history.OpSubmit, Phase: history.Invoke, Key: key,
			Detail: history.SubmitDetail(history.Submit{Subject: subject, Intended: time.Duration(i)})}
	case 2:
		if i+1 >= int(n)-tail { // no room for its effect
			return history.Event{Actor: "client/1", Op: history.OpSubmit, Phase: history.Fail, Key: key,
				Detail: history.SubmitDetail(history.Submit{Subject: subject, Intended: time.Duration(i)})}
		}
		return history.Event{Actor: "client/1", Op: history.OpSubmit, Phase: history.OK, Key: key,
			Detail: history.SubmitDetail(history.Submit{Subject: subject, Intended: time.Duration(i), Replica: "replica-1", Attempts: 1})}
	}
	return history.Event{Actor: "witness", Op: history.OpEffect, Phase: history.OK, Key: key,
		Detail: history.EffectDetail(history.Effect{Replica: "replica-2", Subject: subject, Kind: history.KindOnce, Outcome: history.Accepted})}
}

// written is the generated drill as a sealed file.
func written(b *testing.B, events int) *history.History {
	path := fmt.Sprintf("%s/%d.jsonl", b.TempDir(), events)
	log, err := history.Create(path, promising())
	require.NoError(b, err)
	for e := range generated(events).Events() {
		e.Seq, e.At = 0, 0
		log.Append(e)
	}
	require.NoError(b, log.Seal())
	h, err := history.Open(path)
	require.NoError(b, err)
	return h
}

// BenchmarkJudge judges all metrics over one history of b.N events. The goal is
// half a million events a second within 256 MB for ten million of them:
//
//	go test ./gates -run - -bench Judge -benchtime 10000000x
func BenchmarkJudge(b *testing.B) {
	for name, source := range map[string]func(*testing.B) gates.Source{
		"made while it is read": func(b *testing.B) gates.Source { return generated(b.N) },
		"read from a file":      func(b *testing.B) gates.Source { return written(b, b.N) },
	} {
		b.Run(name, func(b *testing.B) {
			src := source(b)
			lines := compile(b, "duplicates == 0", "lost == 0")
			b.ResetTimer()
			j := gates.Judge(src, lines, all())
			b.StopTimer()
			if b.N > 1000 {
				require.Equal(b, gates.Pass, j.Verdict, j.Why)
			}
			var mem runtime.MemStats
			runtime.ReadMemStats(&mem)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(mem.HeapSys)/(1<<20), "heap-MB")
		})
	}
}
