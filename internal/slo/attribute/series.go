package attribute

import "github.com/pitwall/pitwall"

// Increment is what one metric series added in the period: its labels, and the
// good or bad events it counts.
type Increment struct {
	Labels map[string]string
	Counts pitwall.Counts
}

// FromSeries tells the events of a metric objective apart by a label of the
// series they were counted from.
func FromSeries(increments []Increment, s Scope, label string) (pitwall.Attribution, error) {
	if label == "" {
		return pitwall.Attribution{}, noDimension()
	}
	by := map[string]pitwall.Counts{}
	for _, n := range increments {
		value := named(n.Labels[label])
		by[value] = by[value].Add(n.Counts)
	}
	return s.attribution(label, exact(by)), nil
}
