package slotest

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall/internal/promql"
)

// maxValues bounds what one line of input may unfold to: a year of minutes.
const maxValues = 366 * 24 * 60

// counts reads events for each step: "100x60 0 5x30" is a hundred in each of
// sixty steps, nothing in one, five in each of thirty; "_" is a step in which
// nothing is known. Nothing known is -1.
func counts(text string) ([]int64, error) {
	var list []int64
	for _, word := range strings.Fields(text) {
		value, times, repeated := strings.Cut(word, "x")
		n := 1
		if repeated {
			var err error
			if n, err = strconv.Atoi(times); err != nil || n < 1 {
				return nil, fmt.Errorf("%q: after x comes how many steps", word)
			}
		}
		v := int64(-1)
		if value != "_" {
			var err error
			if v, err = strconv.ParseInt(value, 10, 64); err != nil || v < 0 {
				return nil, fmt.Errorf("%q is no number of events such as 100, 100x60 or _x5", word)
			}
		}
		if n > maxValues-len(list) {
			return nil, fmt.Errorf("more than %d steps", maxValues)
		}
		for range n {
			list = append(list, v)
		}
	}
	return list, nil
}

// expanding finds 1+2x3 and 1-2x3 of promtool's notation. It is read-only.
var expanding = regexp.MustCompile(`^(-?[0-9.eE]+)([+-][0-9.eE]+)x([0-9]+)$`)

// sample is a value of a series; one that is not there is no sample.
type sample struct {
	v     float64
	there bool
}

// values reads promtool's notation: "0+10x3" is 0 10 20 30, "5x3" is 5 5 5 5,
// "_" a sample that is missing, "_x3" three of them, "stale" the end of a series.
func values(text string) ([]sample, error) {
	var list []sample
	add := func(n int, at func(i int) sample) error {
		if n > maxValues-len(list) {
			return fmt.Errorf("more than %d samples", maxValues)
		}
		for i := range n {
			list = append(list, at(i))
		}
		return nil
	}
	for _, word := range strings.Fields(text) {
		if err := value(word, add); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func value(word string, add func(n int, at func(i int) sample) error) error {
	gap := func(int) sample { return sample{} }
	if word == "_" || word == "stale" {
		return add(1, gap)
	}
	if times, ok := strings.CutPrefix(word, "_x"); ok {
		n, err := strconv.Atoi(times)
		if err != nil || n < 1 {
			return fmt.Errorf("%q: after x comes how many samples", word)
		}
		return add(n, gap)
	}
	if m := expanding.FindStringSubmatch(word); m != nil {
		from, err1 := strconv.ParseFloat(m[1], 64)
		by, err2 := strconv.ParseFloat(m[2], 64)
		n, err3 := strconv.Atoi(m[3])
		if err1 != nil || err2 != nil || err3 != nil || n >= maxValues {
			return fmt.Errorf("%q is no row of samples such as 0+10x60", word)
		}
		return add(n+1, func(i int) sample { return sample{from + by*float64(i), true} })
	}
	one, times, repeated := strings.Cut(word, "x")
	n := 0
	var err error
	if repeated {
		n, err = strconv.Atoi(times)
	}
	v, err2 := strconv.ParseFloat(one, 64)
	if err != nil || err2 != nil || n < 0 || n >= maxValues || math.IsInf(v, 0) {
		return fmt.Errorf("%q is no sample such as 5, 5x3, 0+10x60, _ or stale", word)
	}
	return add(n+1, func(int) sample { return sample{v, true} })
}

// near is a number that must be met, give or take.
type near struct {
	want, within float64
}

// number reads "0.5", "0.5 ± 0.01" and "50 % ± 1 %".
func number(text string) (near, error) {
	want, within, both := strings.Cut(strings.ReplaceAll(text, "+-", "±"), "±")
	a, err := share(want)
	if err != nil {
		return near{}, err
	}
	if !both {
		return near{a, 1e-6 * max(1, math.Abs(a))}, nil
	}
	b, err := share(within)
	if err != nil || b < 0 {
		return near{}, fmt.Errorf("%q is no tolerance", strings.TrimSpace(within))
	}
	return near{a, b + 1e-12}, nil
}

func share(text string) (float64, error) {
	text = strings.TrimSpace(text)
	plain, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(plain), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is no number such as 0.5, 0.5 ± 0.01 or 50 %% ± 1 %%", text)
	}
	if percent {
		v /= 100
	}
	return v, nil
}

func (n near) holds(v float64) bool { return math.Abs(v-n.want) <= n.within }

func (n near) String() string {
	if n.within <= 1e-6*max(1, math.Abs(n.want)) {
		return brief(n.want)
	}
	return brief(n.want) + " ± " + brief(n.within)
}

func brief(v float64) string { return strconv.FormatFloat(v, 'g', 7, 64) }

// ending is when a budget ends: after so long, give or take, or never.
type ending struct {
	want, within time.Duration
	never        bool
}

// ends reads "4h", "4h ± 10m" and "never".
func ends(text string) (ending, error) {
	if text == "never" {
		return ending{never: true}, nil
	}
	want, within, both := strings.Cut(strings.ReplaceAll(text, "+-", "±"), "±")
	a, err := length(want)
	if err != nil || !both {
		return ending{want: a, within: time.Second}, err
	}
	b, err := length(within)
	return ending{want: a, within: b}, err
}

// length reads a duration such as 90s, 1h30m or 30d.
func length(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if text == "0" || text == "0s" {
		return 0, nil
	}
	d, err := promql.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no length of time such as 90s, 1h30m or 30d", text)
	}
	return d, nil
}
