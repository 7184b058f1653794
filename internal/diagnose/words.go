package diagnose

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// duration words seconds: "412 ms", "1.4 s".
func duration(s float64) string {
	switch a := math.Abs(s); {
	case a == 0:
		return "0 ms"
	case a < 0.001:
		return fmt.Sprintf("%.0f µs", s*1e6)
	case a < 0.01:
		return fmt.Sprintf("%.1f ms", s*1e3)
	case a < 1:
		return fmt.Sprintf("%.0f ms", s*1e3)
	default:
		return fmt.Sprintf("%.1f s", s)
	}
}

func size(b float64) string { return pitwall.Bytes(math.Round(b)).String() }

func percent(v float64) string { return pitwall.Ratio(math.Round(v*1000) / 1000).String() }

// times words a factor: "×10.5".
func times(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "from nothing"
	case f >= 100:
		return fmt.Sprintf("×%.0f", f)
	case f >= 1.995:
		return fmt.Sprintf("×%.1f", f)
	default:
		return fmt.Sprintf("×%.2f", f)
	}
}

// count words a number of things with thousands set off: "6,012".
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// moved words a shift in one unit: "8.1 kB → 85 kB (×10.5, n=6,012 → 1,204)".
func moved(s fold.Shift, word func(float64) string) string { return movedPer(s, word, "") }

// movedPer is moved with what the number is for: "8.1 kB → 85 kB per call (…)".
func movedPer(s fold.Shift, word func(float64) string, per string) string {
	return fmt.Sprintf("%s → %s%s (%s, n=%s → %s)", word(s.Before), word(s.After), per, times(s.Factor()), count(s.N0), count(s.N1))
}

// things counts regular nouns: "1 way", "4 ways".
func things(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func plain(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
}

// clock is a time as marks and sentences show it.
func clock(t time.Time) string { return t.UTC().Format("15:04:05") }

// title names a change: "deploy of inventory v40 → v41".
func title(c pitwall.Change) string {
	s := string(c.Kind)
	if c.Service != "" {
		s += " of " + string(c.Service)
	}
	switch {
	case c.Kind == pitwall.ChangeFlag && len(c.Flags) == 1:
		for k, v := range c.Flags {
			return fmt.Sprintf("%s (%s = %s)", s, k, v)
		}
	case c.Version != "" && c.PreviousVersion != "":
		return fmt.Sprintf("%s %s → %s", s, shortVersion(c.PreviousVersion), shortVersion(c.Version))
	case c.Version != "":
		return s + " " + shortVersion(c.Version)
	}
	return s
}

// commitID is a whole commit id, of which people read the first seven characters.
var commitID = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

func shortVersion(v pitwall.Version) string {
	if commitID.MatchString(string(v)) {
		return string(v[:7])
	}
	return string(v)
}
