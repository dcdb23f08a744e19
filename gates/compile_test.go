package gates_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
)

func known() map[string]gates.Metric {
	return map[string]gates.Metric{
		"failover":     {Name: "failover", Unit: gates.Duration},
		"duplicates":   {Name: "duplicates", Unit: gates.Count},
		"dead_letters": {Name: "dead_letters", Unit: gates.Count},
		"availability": {Name: "availability", Unit: gates.Share},
		"throughput":   {Name: "throughput", Unit: gates.Rate, Least: math.SmallestNonzeroFloat64},
		"probes":       {Name: "probes", Unit: gates.Level, Least: 1},
		"latency":      {Name: "latency", Unit: gates.Duration, Least: 20},
	}
}

func TestGateLinesAreCompiled(t *testing.T) {
	for line, want := range map[string]gates.Gate{
		"failover < 30s":                 {Text: "failover < 30s", Aggregate: "max", Op: "<", Bound: 30e9},
		"failover.p99<=300ms":            {Text: "failover.p99 <= 300ms", Aggregate: "p99", Op: "<=", Bound: 300e6},
		"  failover   <  1.5s  # slow  ": {Text: "failover < 1.5s", Aggregate: "max", Op: "<", Bound: 1.5e9},
		"failover.n >= 50":               {Text: "failover.n >= 50", Aggregate: "n", Op: ">=", Bound: 50},
		"duplicates == 0":                {Text: "duplicates == 0", Op: "==", Bound: 0},
		"dead_letters != 3":              {Text: "dead_letters != 3", Op: "!=", Bound: 3},
		"availability >= 99%":            {Text: "availability >= 99%", Op: ">=", Bound: 0.99},
		"availability > 0.5":             {Text: "availability > 0.5", Op: ">", Bound: 0.5},
		"probes > 1":                     {Text: "probes > 1", Op: ">", Bound: 1},
		"probes <= 1":                    {Text: "probes <= 1", Op: "<=", Bound: 1},
		"failover.n > 1":                 {Text: "failover.n > 1", Aggregate: "n", Op: ">", Bound: 1},
		"duplicates > 0":                 {Text: "duplicates > 0", Op: ">", Bound: 0},
		"latency.n >= 21":                {Text: "latency.n >= 21", Aggregate: "n", Op: ">=", Bound: 21},
		"throughput >= 150.5/s":          {Text: "throughput >= 150.5/s", Op: ">=", Bound: 150.5},
	} {
		t.Run(line, func(t *testing.T) {
			got, err := gates.Compile(line, known())
			require.NoError(t, err)
			require.NotEmpty(t, got.Metric.Name)
			got.Metric = gates.Metric{}
			require.Equal(t, want, got)
		})
	}
}

func TestWhatIsWrongWithAGateLineIsSaid(t *testing.T) {
	for line, want := range map[string]string{
		"":                                   `want "metric[.aggregate] operator value", such as "failover.p99 <= 300ms"`,
		"failover":                           `want "metric[.aggregate] operator value"`,
		"failover < 30s < 40s":               `want "metric[.aggregate] operator value"`,
		"failovr < 30s":                      `unknown metric "failovr": did you mean "failover"?`,
		"deadletters == 0":                   `unknown metric "deadletters": did you mean "dead_letters"?`,
		"speed < 30s":                        `unknown metric "speed": there are: availability, dead_letters, duplicates, failover, latency, probes, throughput`,
		"failover.p9 < 30s":                  `unknown aggregate of failover "p9": did you mean "p90"?`,
		"failover.mean < 30s":                `unknown aggregate of failover "mean": there are: max, min, n, p50, p90, p95, p99`,
		"failover. < 30s":                    `unknown aggregate of failover ""`,
		"duplicates.max == 0":                `duplicates is a count and takes no aggregate: write "duplicates"`,
		"failover < 30":                      `failover is a time: want a value like 30s, 1.5s or 300ms, not "30"`,
		"failover < -3s":                     `failover is a time`,
		"failover.n >= 3s":                   `failover is a count: want a whole number like 0, not "3s"`,
		"duplicates == none":                 `duplicates is a count: want a whole number like 0, not "none"`,
		"duplicates <= 1.5":                  `duplicates is a count`,
		"availability >= 101%":               `availability is a share: want a value like 99.9% or 0.999, not "101%"`,
		"availability >= NaN":                `availability is a share`,
		"throughput >= 150":                  `throughput is a rate: want a value like 150/s, not "150"`,
		"throughput < NaN/s":                 `throughput is a rate`,
		"throughput < Inf/s":                 `throughput is a rate`,
		"throughput >= 0/s":                  `holds whatever happens`,
		"duplicates = 0":                     `unknown operator "=": want <, <=, ==, !=, >= or >`,
		"throughput > 0/s":                   `holds whatever happens`,
		"failover.n >= 1":                    `"failover.n >= 1" holds whatever happens: it judges nothing`,
		"failover.n > 0":                     `holds whatever happens`,
		"failover.n != 0":                    `holds whatever happens`,
		"failover.n < 1":                     `cannot be kept whatever happens`,
		"latency.n >= 20":                    `holds whatever happens`,
		"probes >= 1":                        `holds whatever happens`,
		"probes > 0":                         `holds whatever happens`,
		"probes == 0":                        `cannot be kept whatever happens`,
		"duplicates >= 0":                    `"duplicates >= 0" holds whatever happens: it judges nothing`,
		"availability <= 100%":               `holds whatever happens`,
		"duplicates < 0":                     `"duplicates < 0" cannot be kept whatever happens`,
		"availability > 100%":                `cannot be kept whatever happens`,
		"failover < 0s":                      `cannot be kept whatever happens`,
		"failover >= 0s":                     `holds whatever happens`,
		"duplicates == 99999999999999999999": `duplicates is a count`,
	} {
		t.Run(line, func(t *testing.T) {
			_, err := gates.Compile(line, known())
			require.ErrorContains(t, err, want)
		})
	}
}

func sample(took time.Duration, open bool) gates.Sample { return gates.Sample{Took: took, Open: open} }

func TestAGateJudgesAMeasurement(t *testing.T) {
	many := func(n int, took time.Duration) (all []gates.Sample) {
		for range n {
			all = append(all, sample(took, false))
		}
		return all
	}
	for name, test := range map[string]struct {
		gate     string
		of       gates.Measurement
		verdict  gates.Verdict
		observed string
		why      string
	}{
		"the bound itself is not below it": {"failover < 1s", gates.Measurement{Samples: many(1, time.Second)}, gates.Fail, "1 s", ""},
		"the bound itself is within it":    {"failover <= 1s", gates.Measurement{Samples: many(1, time.Second)}, gates.Pass, "1 s", ""},
		"without samples it is unknown":    {"failover <= 1s", gates.Measurement{}, gates.Unknown, "", "there are no samples"},
		"never is above every bound":       {"failover <= 1s", gates.Measurement{Samples: many(1, gates.Never)}, gates.Fail, "never", ""},
		"the max is the default": {"failover < 1s", gates.Measurement{Samples: append(many(9, time.Millisecond), sample(2*time.Second, false))},
			gates.Fail, "2 s (max of 10)", ""},
		"the median leaves an outlier out": {"failover.p50 < 1s", gates.Measurement{Samples: append(many(9, time.Millisecond), sample(gates.Never, false))},
			gates.Pass, "1 ms (p50 of 10)", ""},
		"the median is not moved by one that is open": {"failover.p50 < 1s", gates.Measurement{Samples: append(many(9, time.Millisecond), sample(5*time.Millisecond, true))},
			gates.Pass, "1 ms (p50 of 10)", ""},
		"the max is open while one is": {"failover < 1s", gates.Measurement{Samples: append(many(9, time.Millisecond), sample(5*time.Millisecond, true))},
			gates.Unknown, "over 5 ms (max of 10)", "the record ends before it does"},
		"an open one beyond the bound is proved": {"failover < 1s", gates.Measurement{Samples: []gates.Sample{sample(2*time.Second, true)}},
			gates.Fail, "over 2 s", ""},
		"298 samples have no p99": {"failover.p99 < 1s", gates.Measurement{Samples: many(298, time.Millisecond)}, gates.Unknown, "",
			"a p99 needs 299 samples, and there are 298"},
		"299 samples have one": {"failover.p99 < 1s", gates.Measurement{Samples: many(299, time.Millisecond)}, gates.Pass, "1 ms (p99 of 299)", ""},
		"times without stories are judged alike": {"failover.p50 < 1s", gates.Measurement{Times: gates.TimesOf(many(299, time.Millisecond)), Note: "the slowest"},
			gates.Pass, "1 ms (p50 of 299)", "the slowest"},
		"why a sample is open can be said": {"failover < 1s", gates.Measurement{Samples: []gates.Sample{sample(5*time.Millisecond, true)}, WhyOpen: "the load ended"},
			gates.Unknown, "over 5 ms", "the load ended"},
		"a missing minimum is unknown":                 {"duplicates == 0", gates.Measurement{Missing: "nothing was seen"}, gates.Unknown, "", "nothing was seen"},
		"a proved count fails without its minimum":     {"duplicates == 0", gates.Measurement{Value: 2, AtLeast: true, Missing: "no drain"}, gates.Fail, "2 or more", ""},
		"a proved count may still grow":                {"duplicates <= 2", gates.Measurement{Value: 2, AtLeast: true, Missing: "no drain"}, gates.Unknown, "2 or more", "no drain"},
		"several counts pass where all keep the bound": {"dead_letters == 3", gates.Measurement{Value: 3, Values: []float64{3}}, gates.Pass, "3", ""},
		"of several counts one may be too small":       {"dead_letters == 3", gates.Measurement{Value: 3, Values: []float64{2, 3}, Note: "one has 2"}, gates.Fail, "2 to 3", "one has 2"},
		"of several counts one may be too large":       {"dead_letters <= 3", gates.Measurement{Value: 4, Values: []float64{2, 4}}, gates.Fail, "2 to 4", ""},
		"of several counts one may be the wrong one":   {"dead_letters != 3", gates.Measurement{Value: 4, Values: []float64{2, 3, 4}}, gates.Fail, "2 to 4", ""},
		"several counts can be bounded from one side":  {"dead_letters < 5", gates.Measurement{Value: 4, Values: []float64{2, 4}}, gates.Pass, "2 to 4", ""},
		"a share is shown with its n":                  {"availability >= 99%", gates.Measurement{Value: 0.995, N: 400}, gates.Pass, "99.50% of 400", ""},
	} {
		t.Run(name, func(t *testing.T) {
			gate, err := gates.Compile(test.gate, known())
			require.NoError(t, err)
			got := gate.Judge(test.of)
			require.Equal(t, test.verdict, got.Verdict)
			require.Equal(t, test.observed, got.Observed)
			require.Equal(t, test.why, got.Why)
		})
	}
}
