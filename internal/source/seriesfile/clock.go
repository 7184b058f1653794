package seriesfile

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// layouts are the spellings of a time that are read; read-only. One without a
// zone is taken for UTC.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 -0700", "2006-01-02 15:04:05.999999999 -07:00",
	"2006-01-02 15:04:05.999999999 UTC", "2006-01-02 15:04:05.999999999 -0700 UTC",
	"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02", "2006-01",
	"2006/01/02 15:04:05", "2006/01/02 15:04", "2006/01/02", "2.1.2006 15:04:05", "2.1.2006 15:04", "2.1.2006"}

// Of these two only a whole column tells which is meant; read-only.
var (
	monthFirst = []string{"1/2/2006 15:04:05", "1/2/2006 15:04", "1/2/2006, 15:04:05", "1/2/2006 3:04:05 PM", "1/2/2006 3:04 PM", "1/2/2006, 3:04:05 PM", "1/2/2006"}
	dayFirst   = []string{"2/1/2006 15:04:05", "2/1/2006 15:04", "2/1/2006, 15:04:05", "2/1/2006 3:04:05 PM", "2/1/2006 3:04 PM", "2/1/2006, 3:04:05 PM", "2/1/2006"}
)

// seconds reads a time as unix seconds; a number may also be milliseconds,
// microseconds or nanoseconds, told by its size. ok is false for an index.
func seconds(text string) (s float64, ok bool) {
	text = strings.TrimSpace(text)
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		for v > 1e11 && !math.IsInf(v, 0) { // the year 5138
			v /= 1000
		}
		return v, v > 1e8 && !math.IsInf(v, 0) // 1973: anything below counts rows
	}
	if s, ok := spelled(text, layouts); ok {
		return s, true
	}
	return spelled(text, monthFirst)
}

func spelled(text string, as []string) (float64, bool) {
	for _, layout := range as {
		if t, err := time.Parse(layout, text); err == nil {
			return float64(t.UnixMicro()) / 1e6, true
		}
	}
	return 0, false
}

// timed fills in the seconds where the times are some.
func timed(at []string) []float64 {
	out, known := make([]float64, len(at)), 0
	days := daysFirst(at)
	for i, text := range at {
		s, ok := seconds(text)
		if days {
			if d, is := spelled(strings.TrimSpace(text), dayFirst); is {
				s, ok = d, true
			}
		}
		if !ok {
			s = math.NaN()
		} else {
			known++
		}
		out[i] = s
	}
	if known == 0 || 2*known < len(at) {
		return nil
	}
	return out
}

// daysFirst says whether a column writes the day before the month: some of its
// dates have no other reading.
func daysFirst(at []string) bool {
	for _, text := range at {
		if first, _, ok := strings.Cut(strings.TrimSpace(text), "/"); ok && len(first) == 2 {
			if n, err := strconv.Atoi(first); err == nil && n > 12 && n <= 31 {
				return true
			}
		}
	}
	return false
}
