package pyrra

import (
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
)

// Kind is what an indicator counts.
type Kind string

// The kinds, as manifests name them.
const (
	Ratio         Kind = "ratio"         // Part are the errors of Total
	Latency       Kind = "latency"       // Part are the fast ones of Total: a bucket and the count of a histogram
	LatencyNative Kind = "latencyNative" // of Total, a native histogram, what took at most MaxLatency
	BoolGauge     Kind = "bool_gauge"    // of Total's samples, those that are 1
)

// Spec is one manifest.
type Spec struct {
	Name, Namespace     string
	Labels, Annotations map[string]string
	Description         string
	Target              pitwall.Ratio // in (0,1); the manifest says it in percent
	Window              time.Duration
	Kind                Kind
	Total, Part         Metric
	MaxLatency          time.Duration
	Grouping            []string
	Alerting            Alerting
	// Fast keeps increases of five minutes and sums those up; Pyrra calls it
	// performanceOverAccuracy.
	Fast bool

	Source string // file:line
	YAML   string
}

// Metric is a metric and the conditions on its labels, sorted.
type Metric struct {
	Name     string
	Matchers []promql.Matcher
}

// Alerting says which alerts there are and what they are called.
type Alerting struct {
	Burnrates, Absent bool
	Name, AbsentName  string
	Severities        [4]string // of the four burn alerts, fastest first
	AbsentSeverity    string
}

// Window is one burn alert of Pyrra: the burn rate exceeds Factor over Long and
// over Short, for For.
type Window struct {
	Name             string
	Severity         string
	Factor           float64
	Long, Short, For time.Duration
}

// Windows are the four burn alerts of an objective, worst first. They were chosen
// for 28 days and shrink and grow with the window, to whole minutes; the factors
// stay.
func Windows(window time.Duration) [4]Window {
	const day = 24 * time.Hour
	of28 := func(d time.Duration) time.Duration { return (window / (28 * day / d)).Round(time.Minute) }
	return [4]Window{
		{"fast-burn", "critical", 14, of28(time.Hour), of28(5 * time.Minute), of28(2 * time.Minute)},
		{"medium-burn", "critical", 7, of28(6 * time.Hour), of28(30 * time.Minute), of28(15 * time.Minute)},
		{"slow-burn", "warning", 2, of28(day), of28(2 * time.Hour), of28(time.Hour)},
		{"long-term-burn", "warning", 1, of28(4 * day), of28(6 * time.Hour), of28(3 * time.Hour)},
	}
}

// String is the metric as a selector.
func (m Metric) String() string { return promql.Choose(m.Name, m.Matchers) }

// named is a metric of another name with more conditions.
func (m Metric) named(name string, more ...promql.Matcher) Metric {
	list := append(append([]promql.Matcher{}, m.Matchers...), more...)
	return Metric{Name: name, Matchers: promql.SortMatchers(list)}
}

// base is the name without what says that it counts.
func (m Metric) base() string {
	return strings.TrimSuffix(strings.TrimSuffix(m.Name, "_total"), "_count")
}

func equal(name, value string) promql.Matcher {
	return promql.Matcher{Name: name, Op: "=", Value: value}
}
