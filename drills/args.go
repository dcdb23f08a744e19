package drills

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Takes checks the shape of the arguments: between least and most words, and
// no option but the named ones.
func (a Args) Takes(least, most int, options ...string) error {
	switch n := len(a.Words); {
	case n < least && least == most:
		return fmt.Errorf("takes %s, has %d", plural(least, "word"), n)
	case n < least:
		return fmt.Errorf("takes at least %s, has %d", plural(least, "word"), n)
	case n > most:
		return fmt.Errorf("takes at most %s, has %d: %q is too much", plural(most, "word"), n, a.Words[most])
	}
	for _, name := range slices.Sorted(maps.Keys(a.Options)) {
		if !slices.Contains(options, name) {
			if len(options) == 0 {
				return fmt.Errorf("takes no options, has %s=", name)
			}
			return fmt.Errorf("unknown option %s=: it takes %s=", name, strings.Join(options, "=, "))
		}
	}
	return nil
}

func plural(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun + "s"
	case 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Duration reads an option as a positive duration; the fallback stands where
// it is not set.
func (a Args) Duration(name string, fallback time.Duration) (time.Duration, error) {
	text, ok := a.Options[name]
	if !ok {
		return fallback, nil
	}
	d, err := ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%s=%s: %w", name, text, err)
	}
	return d, nil
}

// Count reads an option as a whole number from 1 to most.
func (a Args) Count(name string, fallback, most int) (int, error) {
	text, ok := a.Options[name]
	if !ok {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s=%s: want a whole number from 1 to %d", name, text, most)
	}
	return n, nil
}

// LeastRate is the slowest that anything is done, in operations a second: one in a
// hundred seconds. A slower one does nothing in most drills.
const LeastRate = 0.01

// Rate reads an option as operations a second: "200/s" or "30/m".
func (a Args) Rate(name string, fallback, most float64) (float64, error) {
	text, ok := a.Options[name]
	if !ok {
		return fallback, nil
	}
	number, unit, found := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(number, 64)
	if unit == "m" {
		n /= 60
	}
	if !found || err != nil || (unit != "s" && unit != "m") || !(n >= LeastRate) || n > most {
		return 0, fmt.Errorf("%s=%s: want operations a second such as 200/s, from %v/s to %.0f/s", name, text, LeastRate, most)
	}
	return n, nil
}

// Share reads an option as a whole percentage from 1% to 100%, as a part of 1.
func (a Args) Share(name string, fallback float64) (float64, error) {
	text, ok := a.Options[name]
	if !ok {
		return fallback, nil
	}
	number, isPercent := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(number)
	if !isPercent || err != nil || n < 1 || n > 100 {
		return 0, fmt.Errorf("%s=%s: want a whole percentage from 1%% to 100%%", name, text)
	}
	return float64(n) / 100, nil
}

// Bandwidth reads an option as bytes a second: "500B/s", "16KB/s" or "1.5MB/s",
// with a thousand bytes to the KB.
func (a Args) Bandwidth(name string, fallback, most int) (int, error) {
	text, ok := a.Options[name]
	if !ok {
		return fallback, nil
	}
	for _, unit := range []struct {
		name  string
		bytes float64
	}{{"KB/s", 1e3}, {"MB/s", 1e6}, {"B/s", 1}} {
		number, found := strings.CutSuffix(text, unit.name)
		n, err := strconv.ParseFloat(number, 64)
		if n *= unit.bytes; found && err == nil && n >= 1 && n <= float64(most) {
			return int(n), nil
		}
	}
	return 0, fmt.Errorf("%s=%s: want bytes a second such as 16KB/s, at most %dKB/s", name, text, most/1000)
}

// Number reads an option as a number between least and most.
func (a Args) Number(name string, least, most float64) (float64, error) {
	text := a.Options[name]
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= least) || n > most {
		return 0, fmt.Errorf("%s=%s: want a number from %v to %v", name, text, least, most)
	}
	return n, nil
}

// ParseSize reads a number of bytes of a script: "500KB" and "12MB" with a
// thousand to the next unit, "512KiB" and "12MiB" with 1024.
func ParseSize(text string) (int64, error) {
	for _, unit := range []struct {
		name  string
		bytes float64
	}{{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}} {
		number, found := strings.CutSuffix(text, unit.name)
		n, err := strconv.ParseFloat(number, 64)
		if n *= unit.bytes; found && err == nil && n >= 1 && n <= 1<<40 {
			return int64(n), nil
		}
	}
	return 0, fmt.Errorf("%q is not a size: write for example 500KB, 12MB or 12MiB", text)
}

// Span is a duration, or a range of them from which one is drawn.
type Span struct{ From, To time.Duration }

// ParseSpan reads "2s" or "2s..5s".
func ParseSpan(text string) (Span, error) {
	first, second, isRange := strings.Cut(text, "..")
	from, err := ParseDuration(first)
	if err != nil {
		return Span{}, err
	}
	if !isRange {
		return Span{from, from}, nil
	}
	to, err := ParseDuration(second)
	if err != nil {
		return Span{}, err
	}
	if to < from {
		return Span{}, fmt.Errorf("%q ends before it begins: write the shorter time first", text)
	}
	return Span{from, to}, nil
}

// MaxDuration bounds every time in a script, and how long a script takes in all.
const MaxDuration = 24 * time.Hour

// ParseDuration reads a positive duration of a script.
func ParseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: write for example 500ms, 2s or 1m30s", text)
	}
	if d <= 0 {
		return 0, fmt.Errorf("%q is not a positive duration", text)
	}
	if d > MaxDuration {
		return 0, fmt.Errorf("%q is longer than a script may take, which is %.0fh", text, MaxDuration.Hours())
	}
	return d, nil
}
