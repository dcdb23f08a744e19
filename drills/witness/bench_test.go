package witness

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// All benchmarks go over loopback with real HTTP senders that share the
// machine with the witness, and record every effect.

func BenchmarkSinglePosts(b *testing.B) {
	w := newWorld(b)
	w.Token("replica-1")
	var n atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			key := fmt.Sprint("load-1/job-", n.Add(1))
			status, body := w.send("replica-1", typeJSON, text(effect{Subject: key, Key: key, Kind: "once", Attempt: 1}))
			if status != http.StatusOK {
				b.Error(status, body)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "effects/s")
}

func BenchmarkBatches(b *testing.B) {
	w := newWorld(b)
	w.Token("replica-1")
	const size = 100
	var n atomic.Int64
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			var lines strings.Builder
			for range size {
				key := fmt.Sprint("load-1/job-", n.Add(1))
				lines.WriteString(text(effect{Subject: key, Key: key, Kind: "once", Attempt: 1}) + "\n")
			}
			status, body := w.send("replica-1", typeLines, lines.String())
			if status != http.StatusOK || strings.Count(body, `"accepted"`) != size {
				b.Error(status, body)
				return
			}
		}
	})
	b.ReportMetric(size*float64(b.N)/b.Elapsed().Seconds(), "effects/s")
}

func BenchmarkCalls(b *testing.B) {
	w := newWorld(b)
	w.Token("replica-1")
	var n atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			key := fmt.Sprint("provision/load-1-", n.Add(1), "/2-attach")
			status, body, err := w.call(w.backends[0], text(effect{Subject: key, Key: key, Kind: "once", Attempt: 1}))
			if err != nil || status != http.StatusOK {
				b.Error(status, body, err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}
