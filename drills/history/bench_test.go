package history_test

import (
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
)

func createForBench(b *testing.B) (*history.Log, string) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "history.jsonl")
	log, err := history.Create(path, history.Header{Scenario: "bench"})
	require.NoError(b, err)
	return log, path
}

func reportEvents(b *testing.B, n int) {
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkAppend and BenchmarkAppendParallel append effects, encoding their
// details too, and include the seal.
func BenchmarkAppend(b *testing.B) {
	log, _ := createForBench(b)
	b.ReportAllocs()
	for b.Loop() {
		log.Append(effectEvent("load-1/job-17"))
	}
	require.NoError(b, log.Seal())
	reportEvents(b, b.N)
}

func BenchmarkAppendParallel(b *testing.B) {
	log, _ := createForBench(b)
	var seen atomic.Int64
	log.Observe(func(*history.Event) { seen.Add(1) })
	b.ReportAllocs()
	b.SetParallelism(4) // 8 goroutines on 2 cores
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			log.Append(effectEvent("load-1/job-17"))
		}
	})
	require.NoError(b, log.Seal())
	require.EqualValues(b, b.N, seen.Load())
	reportEvents(b, b.N)
}

// benchEvents can be set to 10 million to measure the target of the design.
func benchEvents(b *testing.B) int {
	text := os.Getenv("HISTORY_BENCH_EVENTS")
	if text == "" {
		return 500_000
	}
	n, err := strconv.Atoi(text)
	require.NoError(b, err)
	return n
}

func BenchmarkRead(b *testing.B) {
	log, path := createForBench(b)
	n := benchEvents(b)
	for i := range n / 2 {
		key := "load-1/job-" + strconv.Itoa(i)
		log.Append(history.Event{
			Actor: "client/3", Op: history.OpSubmit, Phase: history.OK, Key: key,
			Detail: history.SubmitDetail(history.Submit{Subject: key, Intended: log.Now(), Replica: "replica-1", Attempts: 1}),
		})
		log.Append(effectEvent(key))
	}
	require.NoError(b, log.Seal())
	h, err := history.Open(path)
	require.NoError(b, err)

	b.Run("events", func(b *testing.B) { benchRead(b, h, false) })
	b.Run("details", func(b *testing.B) { benchRead(b, h, true) })
}

func benchRead(b *testing.B, h *history.History, details bool) {
	b.ReportAllocs()
	events := 0
	for b.Loop() {
		for e, err := range h.Events() {
			switch {
			case err != nil || !details:
			case e.Op == history.OpSubmit:
				_, err = history.DecodeSubmit(&e)
			default:
				_, err = history.DecodeEffect(&e)
			}
			if err != nil {
				b.Fatal(err)
			}
			events++
		}
	}
	reportEvents(b, events)
}
