package promql

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// window finds Sloth's placeholder. It is read-only.
var window = regexp.MustCompile(`\{\{-?\s*\.window\s*-?\}\}`)

// HasWindow says whether a query leaves its window open.
func HasWindow(query string) bool { return strings.Contains(query, "{{") && window.MatchString(query) }

// WithWindow fills in the open window of a query, such as
// rate(x[{{.window}}]) to rate(x[5m]).
func WithWindow(query string, d time.Duration) string {
	if !strings.Contains(query, "{{") {
		return query
	}
	query = strings.ReplaceAll(query, "{{.window}}", Duration(d)) // as nearly everybody writes it
	if !strings.Contains(query, "{{") {
		return query
	}
	return window.ReplaceAllLiteralString(query, Duration(d))
}

// sameLength fills in open windows with 5m and blanks, so that positions in
// errors are those of what a person wrote.
func sameLength(query string) (string, bool) {
	if !HasWindow(query) {
		return query, false
	}
	return window.ReplaceAllStringFunc(query, func(s string) string { return "5m" + strings.Repeat(" ", len(s)-2) }), true
}

// Duration words a length as Prometheus does, in the fewest of its units: 1d, 1h30m, 90ms.
// Less than a millisecond is "0s".
func Duration(d time.Duration) string {
	var b strings.Builder
	ms := d.Milliseconds()
	if ms < 0 {
		b.WriteByte('-')
		ms = -ms
	}
	if ms == 0 {
		return "0s"
	}
	for _, u := range [...]struct {
		name  string
		ms    int64
		exact bool // only when nothing is left over, as Prometheus does
	}{{"y", 365 * 86_400_000, true}, {"w", 7 * 86_400_000, true}, {"d", 86_400_000, false}, {"h", 3_600_000, false}, {"m", 60_000, false}, {"s", 1000, false}, {"ms", 1, false}} {
		if u.exact && ms%u.ms != 0 {
			continue
		}
		if n := ms / u.ms; n > 0 {
			b.WriteString(strconv.FormatInt(n, 10))
			b.WriteString(u.name)
			ms -= n * u.ms
		}
	}
	return b.String()
}

// ParseDuration reads a length as Prometheus writes it: 30d, 1h30m, 90ms. Units
// stand from long to short, each at most once.
func ParseDuration(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	units := [...]struct {
		name string
		d    time.Duration
	}{{"y", 365 * 24 * time.Hour}, {"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}}
	var sum time.Duration
	rest, next := s, 0
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		word := rest[digits:]
		word = word[:len(word)-len(strings.TrimLeft(word, "abcdefghijklmnopqrstuvwxyz"))]
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		for next < len(units) && units[next].name != word {
			next++
		}
		if err != nil || next == len(units) {
			return 0, fmt.Errorf("%q is not a duration such as 30d or 1h30m", s)
		}
		if n > int64((math.MaxInt64-sum)/units[next].d) {
			return 0, fmt.Errorf("%q is too long", s)
		}
		sum += time.Duration(n) * units[next].d
		rest = rest[digits+len(word):]
		next++
	}
	if s == "" {
		return 0, fmt.Errorf("a duration is missing")
	}
	return sum, nil
}
