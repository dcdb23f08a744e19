package gates

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drillrun/drillrun/internal/suggest"
)

// Gate is a compiled gate line: a metric and the bound it must keep.
type Gate struct {
	Text      string // the line, evenly spaced and without its comment
	Metric    Metric
	Aggregate string  // of a Duration: min, p50, p90, p95, p99, max or n; else empty
	Op        string  // <, <=, ==, !=, >= or >
	Bound     float64 // nanoseconds, a number, or a fraction from 0 to 1
}

// aggregates are what a gate can ask of samples of time. "n" is their number.
var aggregates = [...]string{"min", "p50", "p90", "p95", "p99", "max", "n"}

const defaultAggregate = "max"

// lineShape takes a gate line apart: metric, ".aggregate", operator, value.
var lineShape = regexp.MustCompile(`^([^\s<>=!.]+)(\.[^\s<>=!]*)?\s*([<>=!]+)\s*(\S+)$`)

var errShape = errors.New(`want "metric[.aggregate] operator value", such as "failover.p99 <= 300ms"`)

// Compile reads a gate line: "metric[.aggregate] operator value", and perhaps a
// comment after "#". Without an aggregate a time is judged by its max. Its
// error says what was expected instead.
func Compile(line string, metrics map[string]Metric) (Gate, error) {
	text, _, _ := strings.Cut(line, "#")
	parts := lineShape.FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil {
		return Gate{}, errShape
	}
	name, aggregate, op, value := parts[1], parts[2], parts[3], parts[4]
	metric, ok := metrics[name]
	if !ok {
		return Gate{}, suggest.Unknown("metric", name, slices.Collect(maps.Keys(metrics)))
	}
	g := Gate{Metric: metric, Op: op}
	var err error
	if g.Aggregate, err = compileAggregate(metric, aggregate); err != nil {
		return Gate{}, err
	}
	if !slices.Contains([]string{"<", "<=", "==", "!=", ">=", ">"}, op) {
		return Gate{}, fmt.Errorf("unknown operator %q: want <, <=, ==, !=, >= or >", op)
	}
	if g.Bound, err = g.compileBound(value); err != nil {
		return Gate{}, err
	}
	g.Text = strings.Join([]string{name + aggregate, op, value}, " ")
	return g, g.vacuous()
}

// compileAggregate reads what stands behind the metric's name: nothing, or a
// dot and an aggregate.
func compileAggregate(m Metric, suffix string) (string, error) {
	aggregate, dotted := strings.CutPrefix(suffix, ".")
	if m.Unit != Duration {
		if dotted {
			return "", fmt.Errorf("%s is a %s and takes no aggregate: write %q", m.Name, m.Unit, m.Name)
		}
		return "", nil
	}
	if !dotted {
		return defaultAggregate, nil
	}
	if !slices.Contains(aggregates[:], aggregate) {
		return "", suggest.Unknown("aggregate of "+m.Name, aggregate, aggregates[:])
	}
	return aggregate, nil
}

// unit is what the gate's bound is in: the number of samples is a count.
func (g Gate) unit() Unit {
	if g.Aggregate == "n" {
		return Count
	}
	return g.Metric.Unit
}

func (g Gate) compileBound(value string) (float64, error) {
	switch g.unit() {
	case Duration:
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return 0, fmt.Errorf("%s is a time: want a value like 30s, 1.5s or 300ms, not %q", g.Metric.Name, value)
		}
		return float64(d), nil
	case Share:
		number, percent := strings.CutSuffix(value, "%")
		share, err := strconv.ParseFloat(number, 64)
		if percent {
			share /= 100
		}
		if err != nil || !(share >= 0 && share <= 1) {
			return 0, fmt.Errorf("%s is a share: want a value like 99.9%% or 0.999, not %q", g.Metric.Name, value)
		}
		return share, nil
	case Rate:
		number, each := strings.CutSuffix(value, "/s")
		rate, err := strconv.ParseFloat(number, 64)
		if err != nil || !each || !(rate >= 0) || math.IsInf(rate, 1) {
			return 0, fmt.Errorf("%s is a rate: want a value like 150/s, not %q", g.Metric.Name, value)
		}
		return rate, nil
	default:
		n, err := strconv.ParseUint(value, 10, 53)
		if err != nil {
			return 0, fmt.Errorf("%s is a count: want a whole number like 0, not %q", g.Metric.Name, value)
		}
		return float64(n), nil
	}
}

// vacuous refuses a bound that every measurement keeps, or none: such a gate
// judges nothing.
func (g Gate) vacuous() error {
	top := math.Inf(1)
	if g.Metric.Unit == Share {
		top = 1
	}
	switch g.verdict(g.least(), top) {
	case Pass:
		return fmt.Errorf("%q holds whatever happens: it judges nothing", g.Text)
	case Fail:
		return fmt.Errorf("%q cannot be kept whatever happens", g.Text)
	}
	return nil
}

// least is the smallest value that there can be.
func (g Gate) least() float64 {
	switch {
	case g.Aggregate == "n":
		return max(1, g.Metric.Least)
	case g.Metric.Unit == Duration:
		return 0
	}
	return g.Metric.Least
}

// verdict judges an interval: pass where all of it keeps the bound, fail where
// none of it does.
func (g Gate) verdict(lo, hi float64) Verdict {
	b := g.Bound
	var all, some bool
	switch g.Op {
	case "<":
		all, some = hi < b, lo < b
	case "<=":
		all, some = hi <= b, lo <= b
	case ">":
		all, some = lo > b, hi > b
	case ">=":
		all, some = lo >= b, hi >= b
	case "==":
		all, some = lo == b && hi == b, lo <= b && b <= hi
	case "!=":
		all, some = b < lo || hi < b, lo != b || hi != b
	}
	switch {
	case all:
		return Pass
	case !some:
		return Fail
	}
	return Unknown
}
