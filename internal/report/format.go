package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// Signs of the typography: a real minus, and the sign for "cannot be told apart".
const (
	minus  = "−"
	same   = "~"
	noData = "no data"
)

// number prints v with about three significant digits and a real minus.
func number(v float64) string {
	a := math.Abs(v)
	digits := 0
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return noData
	case a == 0 || a == math.Trunc(a) && a < 1000:
		digits = 0
	case a < 1:
		digits = 3
	case a < 10:
		digits = 2
	case a < 100:
		digits = 1
	}
	s := strconv.FormatFloat(a, 'f', digits, 64)
	if digits > 1 {
		s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	}
	if digits == 0 {
		s = thousands(s)
	}
	if v < 0 && strings.Trim(s, "0.") != "" {
		return minus + s
	}
	return s
}

func thousands(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Count prints a whole number with separators: 6,012.
func Count(n int64) string {
	if n < 0 {
		return minus + thousands(strconv.FormatInt(-n, 10))
	}
	return thousands(strconv.FormatInt(n, 10))
}

// Seconds prints a latency: 412 ms, 1.4 s.
func Seconds(v float64) string {
	a := math.Abs(v)
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return noData
	case a == 0:
		return "0 ms"
	case a < 1e-3:
		return sig(v*1e6) + " µs"
	case a < 0.9995:
		return sig(v*1e3) + " ms"
	case a < 120:
		return sig(v) + " s"
	}
	if v < 0 {
		return minus + Span(time.Duration(a*float64(time.Second)))
	}
	return Span(time.Duration(v * float64(time.Second)))
}

// sig prints with three significant digits at most, for values below 1,000.
func sig(v float64) string {
	a := math.Abs(v)
	digits := 0
	switch {
	case a < 9.995:
		digits = 2
	case a < 99.95:
		digits = 1
	}
	s := strconv.FormatFloat(a, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	}
	if v < 0 && strings.Trim(s, "0.") != "" {
		return minus + s
	}
	return s
}

// Span prints a duration in its two greatest units: 47 h, 6 m 12 s, 4.2 s.
func Span(d time.Duration) string {
	if d < 0 {
		return minus + Span(-d)
	}
	switch {
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return sig(math.Round(d.Seconds()*10)/10) + " s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds()+0.5)) + " s"
	case d < time.Hour:
		return two(int(d/time.Minute), "m", int(d%time.Minute/time.Second), "s")
	case d < 48*time.Hour:
		return two(int(d/time.Hour), "h", int(d%time.Hour/time.Minute), "m")
	}
	return two(int(d/(24*time.Hour)), "d", int(d%(24*time.Hour)/time.Hour), "h")
}

// about prints a forecast in one unit: more digits would claim too much.
func about(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return strconv.Itoa(int(d.Seconds()+0.5)) + " s"
	case d < 2*time.Hour:
		return strconv.Itoa(int(d.Minutes()+0.5)) + " m"
	case d < 72*time.Hour:
		return strconv.Itoa(int(d.Hours()+0.5)) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24+0.5)) + " d"
}

func two(a int, unitA string, b int, unitB string) string {
	if b == 0 {
		return fmt.Sprintf("%d %s", a, unitA)
	}
	return fmt.Sprintf("%d %s %d %s", a, unitA, b, unitB)
}

// Percent prints a ratio as a percentage: 0.31 %, 64 %.
func Percent(r float64) string {
	p := math.Abs(r * 100)
	var s string
	switch {
	case math.IsNaN(r) || math.IsInf(r, 0):
		return noData
	case p == 0:
		return "0 %"
	case p < 0.01:
		s = "<0.01"
	case p == math.Trunc(p):
		s = strconv.FormatFloat(p, 'f', 0, 64)
	case p < 10, p > 99 && p < 100:
		s = strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(p, 'f', 2, 64), "0"), ".")
	case p < 100:
		s = strconv.FormatFloat(p, 'f', 1, 64)
	default:
		s = thousands(strconv.FormatFloat(p, 'f', 0, 64))
	}
	if r < 0 {
		s = minus + s
	}
	return s + " %"
}

// whole prints a ratio as a whole percentage, for clocks and bars.
func whole(r float64) string {
	p := math.Round(r*100) + 0 // no negative zero
	if p < 0 {
		return minus + thousands(strconv.FormatFloat(-p, 'f', 0, 64)) + " %"
	}
	return thousands(strconv.FormatFloat(p, 'f', 0, 64)) + " %"
}

// Change prints a relative change: −33.0 %, +4.1 %, and ×10.5 from a doubling on.
func Change(r float64) string {
	switch {
	case math.IsNaN(r):
		return noData
	case math.IsInf(r, 0):
		return "from zero"
	case r >= 1:
		return "×" + number(math.Round((r+1)*10)/10)
	}
	s := strconv.FormatFloat(math.Abs(r)*100, 'f', 1, 64) + " %"
	switch {
	case s == "0.0 %":
		return "0.0 %"
	case r < 0:
		return minus + s
	}
	return "+" + s
}

// PValue prints p as benchmarks do: p=0.001, p<0.001.
func PValue(p float64) string {
	switch {
	case math.IsNaN(p):
		return "p unknown"
	case p < 0.001:
		return "p<0.001"
	case p < 0.1:
		return "p=" + strconv.FormatFloat(p, 'f', 3, 64)
	}
	return "p=" + strconv.FormatFloat(p, 'f', 2, 64)
}

// Times prints a factor: 14.4×.
func Times(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return noData
	}
	return number(math.Round(v*10)/10) + "×"
}

// Value prints v in its unit.
func Value(v float64, u pitwall.Unit) string {
	switch u {
	case pitwall.UnitSeconds:
		return Seconds(v)
	case pitwall.UnitBytes:
		return bytesText(v)
	case pitwall.UnitRatio:
		return Percent(v)
	case pitwall.UnitPerSecond:
		return number(v) + "/s"
	case pitwall.UnitTimes:
		return Times(v)
	case pitwall.UnitCPUPerReq:
		return Seconds(v) + " CPU/request"
	case pitwall.UnitBytesPerReq:
		return bytesText(v) + "/request"
	}
	return number(v)
}

func bytesText(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return noData
	}
	if v < 0 {
		return minus + pitwall.Bytes(math.Round(-v)).String()
	}
	return pitwall.Bytes(math.Round(v)).String()
}

// Measured prints a measure, or "no data" when nothing was observed.
func Measured(m pitwall.Measure) string {
	if !m.Known() {
		return noData
	}
	return Value(m.Value, m.Unit)
}

// plusMinus prints the half-width of a measure's interval relative to its
// value: "± 3 %"; nothing when no interval is known.
func plusMinus(m pitwall.Measure) string {
	if !m.Known() || m.Value == 0 || m.Low == 0 && m.High == 0 {
		return ""
	}
	half := math.Max(m.High-m.Value, m.Value-m.Low) / math.Abs(m.Value)
	if math.IsNaN(half) || math.IsInf(half, 0) || half < 0 {
		return ""
	}
	if half < 0.01 {
		return "± " + strconv.FormatFloat(half*100, 'f', 1, 64) + " %"
	}
	return "± " + strconv.FormatFloat(half*100, 'f', 0, 64) + " %"
}

// interval prints the bounds of a measure: "401 ms … 424 ms".
func interval(m pitwall.Measure) string {
	if !m.Known() || m.Low == 0 && m.High == 0 {
		return ""
	}
	return Value(m.Low, m.Unit) + " … " + Value(m.High, m.Unit)
}

// arrow prints before → after with their change.
func arrow(before, after pitwall.Measure) string {
	s := Measured(before) + " → " + Measured(after)
	if before.Known() && after.Known() && before.Value > 0 {
		s += " (" + Change(after.Value/before.Value-1) + ")"
	}
	return s
}

// clock prints an instant as the time of day in zone.
func clock(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format("15:04:05")
}

// plural prints a count with its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(int64(n)) + " " + many
}

// beginning is upperFirst of a sentence that may begin with one of these names.
func beginning(s string, names ...pitwall.ServiceName) string {
	for _, n := range names {
		if rest, ok := strings.CutPrefix(s, string(n)); ok && n != "" && (rest == "" || strings.ContainsAny(rest[:1], " ,:;'")) {
			return s
		}
	}
	return upperFirst(s)
}

// upperFirst begins a sentence; names such as checkout-latency, db_pool_wait and
// maxConns and terms such as p99 stay as they are.
func upperFirst(s string) string {
	word, _, _ := strings.Cut(s, " ")
	if strings.ContainsAny(strings.TrimSuffix(word, ":"), "-0123456789./_:") || strings.ToLower(word) != word {
		return s
	}
	for i, r := range s {
		return strings.ToUpper(string(r)) + s[i+len(string(r)):]
	}
	return s
}

// sentenceEnd makes sure that a text ends like a sentence.
func sentenceEnd(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}
