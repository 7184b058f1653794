package blame

import (
	"regexp"
	"strconv"
	"strings"
)

// A value is what may be turned without touching the rest of a line: a number
// with its unit, a truth, a level of logging; read-only.
var (
	valueIn = regexp.MustCompile(`(?i)-?\b\d[\d_]*(\.\d+)*[a-z%]*(\s*\*\s*(time|timedelta|duration)\.?[a-z]*|\s+(ms|milliseconds|seconds|minutes|hours|days))?\b%?|\b(true|false|on|off|yes|no|enabled|disabled|trace|debug|info|warn|warning|error|fatal)\b`)
	number  = regexp.MustCompile(`(?i)^(-?[\d_]+(?:\.\d+)?)\s*\*?\s*(?:time\.)?([a-z%]*)$`)
	jvmFlag = regexp.MustCompile(`-X(mx|ms|ss|mn)(\d)`)
	keyed   = regexp.MustCompile(`^\s*(?:-\s+|export\s+|set\s+)?["']?([\w./-]+(?:\[[^\]]*\])?)["']?\s*(?::=|=>|[:=])\s*(.+?)[,;]?\s*$`)
)

// level orders the words for a log level by how much is written.
func level(s string) (float64, bool) {
	switch strings.ToLower(s) {
	case "trace":
		return 6, true
	case "debug":
		return 5, true
	case "info":
		return 4, true
	case "warn", "warning":
		return 3, true
	case "error":
		return 2, true
	case "fatal":
		return 1, true
	}
	return 0, false
}

// truth reads a switch.
func truth(s string) (float64, bool) {
	switch strings.ToLower(s) {
	case "true", "on", "yes", "enabled":
		return 1, true
	case "false", "off", "no", "disabled":
		return 0, true
	}
	return 0, false
}

// amount reads a number with its unit: seconds, bytes, cores, plain. Which of
// its meanings the letter m has depends on the kind.
func amount(s string, k Kind) (float64, bool) {
	if v, ok := level(s); ok {
		return v, true
	}
	if v, ok := truth(s); ok {
		return v, true
	}
	m := number.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, false
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(m[1], "_", ""), 64)
	if err != nil {
		return 0, false
	}
	u, ok := unit(strings.ToLower(m[2]), k)
	return v * u, ok
}

func unit(u string, k Kind) (float64, bool) {
	bytes := k == Memory || k == Cache || k == Disk || k == Queue || k == Threshold || k == Retention && u != "m"
	switch u {
	case "":
		return 1, true
	case "%":
		return 0.01, true
	case "ns", "nanosecond", "nanoseconds":
		return 1e-9, true
	case "us", "microsecond", "microseconds":
		return 1e-6, true
	case "ms", "millisecond", "milliseconds", "millis":
		return 1e-3, true
	case "s", "sec", "secs", "second", "seconds":
		return 1, true
	case "m":
		switch {
		case k == CPU:
			return 1e-3, true
		case bytes:
			return 1e6, true
		}
		return 60, true
	case "min", "mins", "minute", "minutes":
		return 60, true
	case "h", "hour", "hours":
		return 3600, true
	case "d", "day", "days":
		return 86400, true
	case "w", "week", "weeks":
		return 7 * 86400, true
	case "k", "kb", "ki", "kib":
		return 1e3, true
	case "mb", "mi", "mib":
		return 1e6, true
	case "g", "gb", "gi", "gib":
		return 1e9, true
	case "t", "tb", "ti", "tib":
		return 1e12, true
	}
	return 0, false
}

// normal puts a line into the form in which values can be told apart.
func normal(s string) string {
	s = jvmFlag.ReplaceAllString(s, "X$1=$2")
	return strings.Join(strings.Fields(strings.NewReplacer(`"`, "", `'`, "", "`", "").Replace(s)), " ")
}

// shape is a line with its values taken out.
func shape(s string) string {
	return squeeze(valueIn.ReplaceAllString(normal(s), "#"))
}

// turned is one value of a line that is another now.
type turned struct{ name, from, to string }

// turns compares two lines of one shape, value by value.
func turns(a, b string) []turned {
	a, b = normal(a), normal(b)
	x, y := valueIn.FindAllStringIndex(a, -1), valueIn.FindAllStringIndex(b, -1)
	if len(x) != len(y) {
		return nil
	}
	var list []turned
	for i := range x {
		from, to := a[x[i][0]:x[i][1]], b[y[i][0]:y[i][1]]
		if from != to {
			list = append(list, turned{nameBefore(a[:x[i][0]]), from, to})
		}
	}
	return list
}

var identifier = regexp.MustCompile(`[A-Za-z_][\w.-]*`)

// nameBefore is the name that a value belongs to: the last before it.
func nameBefore(s string) string {
	all := identifier.FindAllString(s, -1)
	for i := len(all) - 1; i >= 0; i-- {
		if w := strings.Trim(all[i], ".-"); len(w) > 1 && w != "time" && w != "return" && w != "const" && w != "value" {
			return w
		}
	}
	return ""
}
