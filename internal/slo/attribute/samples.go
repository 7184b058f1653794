package attribute

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
)

// mostValues bounds how many values of a label are counted one by one.
const mostValues = 40

// Samples are the raw samples that a metric objective was counted from.
type Samples struct {
	Plan           promql.Plan
	Step, Lookback time.Duration
	Period         pitwall.Period // whole steps
	Answers        [][]pitwall.Series
	// Past are the answers to what Earlier asks of these samples; a counter that
	// was silent for long is then not taken for a new one.
	Past []pitwall.Series
}

// Needs are the questions whose answers are Answers.
func (q Samples) Needs() []promql.Need {
	return promql.NewMeter(q.Plan, q.Step, q.Lookback).Needs(q.Period)
}

// Earlier are the queries, to be evaluated at the beginning of the period, whose
// answers are Past.
func (q Samples) Earlier(far time.Duration) []string {
	return promql.NewMeter(q.Plan, q.Step, q.Lookback).Look(q.Period, q.Answers).Earlier(far)
}

// FromSamples tells the events of a metric objective apart by a label. Which
// series were born in the period is judged among all of them.
func FromSamples(q Samples, s Scope, label string) (pitwall.Attribution, error) {
	if label == "" {
		return pitwall.Attribution{}, noDimension()
	}
	if q.Plan.Approximate != "" {
		return pitwall.Attribution{}, &pitwall.Error{Op: "attributing budget", Kind: pitwall.Invalid, ID: string(s.SLO.Name),
			Err: fmt.Errorf("its events are not counted one by one: %s", q.Plan.Approximate), Hint: "by=deploy works for every objective"}
	}
	values, carried := valuesOf(q.Answers, label)
	if !carried {
		return pitwall.Attribution{}, &pitwall.Error{Op: "attributing budget", Kind: pitwall.Invalid, ID: string(s.SLO.Name),
			Err: fmt.Errorf("none of its series carries the label %q", label), Hint: "by=deploy works for every objective"}
	}
	by := map[string]pitwall.Counts{}
	for _, v := range values {
		by[named(v)] = q.count(func(labels map[string]string) bool { return labels[label] == v })
	}
	return s.attribution(label, exact(by)), nil
}

// Labels are the labels that at least two values of which occur, by name.
func Labels(answers [][]pitwall.Series) (names []string) {
	seen := map[string]map[string]bool{}
	for _, list := range answers {
		for _, series := range list {
			for name, value := range series.Labels {
				if seen[name] == nil {
					seen[name] = map[string]bool{}
				}
				if len(seen[name]) < 2 {
					seen[name][value] = true
				}
			}
		}
	}
	for name, values := range seen {
		if len(values) > 1 && name != "__name__" && name != "le" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// valuesOf lists the values of a label, those of most series first, and whether
// any series carries it.
func valuesOf(answers [][]pitwall.Series, label string) (values []string, carried bool) {
	n := map[string]int{}
	for _, list := range answers {
		for _, series := range list {
			v, has := series.Labels[label]
			carried = carried || has
			n[v]++
		}
	}
	for v := range n {
		values = append(values, v)
	}
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a, b)) })
	return values[:min(len(values), mostValues)], carried
}

// count counts some of the series.
func (q Samples) count(only func(labels map[string]string) bool) (sum pitwall.Counts) {
	look := promql.NewMeter(q.Plan, q.Step, q.Lookback).Look(q.Period, q.Answers)
	look.Recall(q.Past)
	for _, step := range look.CountsOf("", only) {
		sum = sum.Add(step.Counts)
	}
	return sum
}
