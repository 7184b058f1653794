package promql

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// Rules is one file of Prometheus rules.
type Rules struct {
	Comment string      // lines above, without #
	Kube    *KubeObject // nil: a plain rule file, else a PrometheusRule of the operator
	Groups  []Group
}

// KubeObject is the metadata of a PrometheusRule.
type KubeObject struct {
	Name, Namespace     string
	Labels, Annotations Labels
}

// Group is rules that are evaluated one after the other, so that a rule sees
// what those before it recorded.
type Group struct {
	Name     string
	Interval time.Duration // zero: Prometheus' own
	Rules    []Rule
}

// Rule records a series or raises an alert: one of Record and Alert is set.
type Rule struct {
	Record, Alert string
	Expr          string
	For           time.Duration
	Labels        Labels
	Annotations   Labels
}

// Label is a name and its value.
type Label struct{ Name, Value string }

// Labels are labels sorted by name, each name once.
type Labels []Label

// LabelsOf merges maps to labels; of one name the last value counts.
func LabelsOf(maps ...map[string]string) Labels {
	n := 0
	for _, m := range maps {
		n += len(m)
	}
	list := make(Labels, 0, n)
	for i, m := range maps {
	names:
		for name, value := range m {
			for _, later := range maps[i+1:] {
				if _, ok := later[name]; ok {
					continue names
				}
			}
			list = append(list, Label{name, value})
		}
	}
	slices.SortFunc(list, func(a, b Label) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// With is a copy with a label set.
func (l Labels) With(name, value string) Labels {
	i, found := slices.BinarySearchFunc(l, name, func(a Label, name string) int { return cmp.Compare(a.Name, name) })
	out := make(Labels, 0, len(l)+1)
	out = append(append(out, l[:i]...), Label{name, value})
	if found {
		i++
	}
	return append(out, l[i:]...)
}

// Get is the value of a label, "" if it is not there.
func (l Labels) Get(name string) string {
	i, found := slices.BinarySearchFunc(l, name, func(a Label, name string) int { return cmp.Compare(a.Name, name) })
	if !found {
		return ""
	}
	return l[i].Value
}

// Size counts the recording and the alerting rules.
func (r Rules) Size() (records, alerts int) {
	for _, g := range r.Groups {
		for _, rule := range g.Rules {
			if rule.Alert != "" {
				alerts++
			} else {
				records++
			}
		}
	}
	return records, alerts
}

// LabelName says whether Prometheus takes a word as a label's name in every
// version: letters, digits and underscores, not two of them in front.
func LabelName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && !letter(c) && !(i > 0 && c >= '0' && c <= '9') {
			return false
		}
	}
	return s != "" && !strings.HasPrefix(s, "__")
}

// TakenLabels is a copy with the labels whose names Prometheus takes: those of
// OpenSLO may have other signs.
func TakenLabels(labels map[string]string) map[string]string {
	taken := maps.Clone(labels)
	maps.DeleteFunc(taken, func(name, _ string) bool { return !LabelName(name) })
	return taken
}
