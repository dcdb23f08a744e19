package controlplane_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkJobs is jobs from the submission over HTTP to the effect, exactly
// once, with three replicas on this machine.
func BenchmarkJobs(b *testing.B) {
	w := newWorld(b)
	var replicas []*child
	for i := range 3 {
		replicas = append(replicas, w.start(b, fmt.Sprintf("replica-%d", i+1)))
	}
	for _, c := range replicas {
		c.awaitReady(b)
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	var next atomic.Int64
	var senders sync.WaitGroup
	b.ResetTimer()
	started := time.Now()
	for range 48 {
		senders.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				if n >= b.N {
					return
				}
				body := fmt.Appendf(nil, `{"key":"b%d"}`, n)
				resp, err := client.Post("http://"+replicas[n%3].addr+"/v1/jobs", "application/json", bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, resp.Body)
				if cerr := resp.Body.Close(); err != nil || cerr != nil || resp.StatusCode != http.StatusAccepted {
					b.Error(err, cerr, resp.Status)
				}
			}
		})
	}
	senders.Wait()
	submitted := time.Since(started)
	require.Eventually(b, func() bool {
		done := 0
		for subject := range w.accepted() {
			if strings.HasPrefix(subject, "job/") {
				done++
			}
		}
		return done == b.N
	}, time.Minute, 20*time.Millisecond)
	b.ReportMetric(float64(b.N)/submitted.Seconds(), "submitted/s")
	b.ReportMetric(float64(b.N)/time.Since(started).Seconds(), "jobs/s")
}
