package promapi

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
)

// The outermost times of Prometheus' API, which clients send and which stand
// for "from the beginning" and "until the end" where a time is left out. They
// leave room for a duration to be added in milliseconds.
const (
	minTime = math.MinInt64/1000 + 62135596801
	maxTime = math.MaxInt64/1000 - 62135596801
)

func oldest() time.Time { return time.Unix(minTime, 0).UTC() }
func newest() time.Time { return time.Unix(maxTime, 999999999).UTC() }

// wrong names a parameter that cannot be read.
func wrong(name string, err error) *failure {
	return &failure{badData, fmt.Errorf("invalid parameter %q: %w", name, err)}
}

// instant reads a time, or gives other where there is none.
func instant(form url.Values, name string, other time.Time) (time.Time, *failure) {
	s := form.Get(name)
	if s == "" {
		return other, nil
	}
	t, err := parseTime(s)
	if err != nil {
		return time.Time{}, wrong(name, err)
	}
	return t, nil
}

// parseTime reads Unix seconds, to the millisecond, or RFC 3339.
func parseTime(s string) (time.Time, error) {
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		if !(v >= minTime && v <= maxTime) { // also refuses NaN
			return time.Time{}, fmt.Errorf("the time %q is out of range", s)
		}
		whole, part := math.Modf(v)
		part = math.Round(part*1000) / 1000
		return time.Unix(int64(whole), int64(part*float64(time.Second))).UTC(), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	// Their years have more than four digits, which time.Parse does not read.
	for _, t := range []time.Time{oldest(), newest()} {
		if s == t.Format(time.RFC3339Nano) {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("cannot parse %q as a time; give Unix seconds or RFC 3339", s)
}

// parseDuration reads seconds, or Prometheus' form such as 1h30m.
func parseDuration(s string) (time.Duration, error) {
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		ns := v * float64(time.Second)
		if !(ns < math.MaxInt64 && ns > math.MinInt64) {
			return 0, fmt.Errorf("the duration %q is out of range", s)
		}
		return time.Duration(ns), nil
	}
	d, err := model.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("cannot parse %q as a duration; give seconds, or a number with a unit such as 30s", s)
	}
	return time.Duration(d), nil
}

// span reads start and end of a list, in milliseconds, both left out meaning
// all there is.
func span(form url.Values) (from, to int64, bad *failure) {
	start, bad := instant(form, "start", oldest())
	if bad != nil {
		return 0, 0, bad
	}
	end, bad := instant(form, "end", newest())
	if bad != nil {
		return 0, 0, bad
	}
	return timestamp.FromTime(start), timestamp.FromTime(end), nil
}

// limit reads how many of a list are wanted; 0 means as many as there are.
func limit(form url.Values) (int, *failure) {
	s := form.Get("limit")
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err == nil && n < 0 {
		err = errors.New("limit must not be negative")
	}
	if err != nil {
		return 0, wrong("limit", err)
	}
	return n, nil
}

// maxSelectors bounds the selectors of one request; each is a search of its own.
const maxSelectors = 500

// selectors reads match[]. A selector that matches everything is refused, since
// it is a mistake more often than a wish.
func (a *API) selectors(form url.Values) ([][]*labels.Matcher, *failure) {
	all := form["match[]"]
	if len(all) > maxSelectors {
		return nil, wrong("match[]", fmt.Errorf("given more than %d times", maxSelectors))
	}
	for _, s := range all {
		if len(s) > maxQuery {
			return nil, wrong("match[]", tooLong(len(s)))
		}
	}
	sets, err := a.parser.ParseMetricSelectors(all)
	if err != nil {
		return nil, wrong("match[]", err)
	}
	for _, set := range sets {
		if matchesAll(set) {
			return nil, wrong("match[]", errors.New("match[] must contain at least one non-empty matcher"))
		}
	}
	return sets, nil
}

func matchesAll(set []*labels.Matcher) bool {
	for _, m := range set {
		if m != nil && !m.Matches("") {
			return false
		}
	}
	return true
}
