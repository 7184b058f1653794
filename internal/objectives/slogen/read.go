package slogen

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// APIVersion is that of the documents.
const APIVersion = "sre.google.com/v2"

// Preset is the preset whose tiers are those of slo-generator's own policy.
const Preset = "slo-generator"

const day = 24 * time.Hour

// document is an objective.
type document struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name        string            `yaml:"name"`
		Labels      map[string]string `yaml:"labels"`
		Annotations map[string]string `yaml:"annotations"`
	} `yaml:"metadata"`
	Spec struct {
		Description string    `yaml:"description"`
		Backend     string    `yaml:"backend"`
		Method      string    `yaml:"method"`
		Policy      string    `yaml:"error_budget_policy"`
		Exporters   yaml.Node `yaml:"exporters"` // of reports, which Pitwall does not write
		Indicator   yaml.Node `yaml:"service_level_indicator"`
		Goal        yaml.Node `yaml:"goal"`
	} `yaml:"spec"`
}

// indicator is what the Prometheus backend takes.
type indicator struct {
	Good       string    `yaml:"filter_good"`
	Bad        string    `yaml:"filter_bad"`
	Valid      string    `yaml:"filter_valid"`
	Expression string    `yaml:"expression"`
	Threshold  yaml.Node `yaml:"threshold_bucket"`
	// The operators that slo-generator wraps a filter in; increments are counted
	// here, whatever they are.
	Operators yaml.Node `yaml:"operators"`
}

// reading is one document while it is read.
type reading struct{ strict.Reading }

// Parse reads one document as an objective, without tiers: they are those of the
// preset, which is slo-generator's default policy. Another policy that it names
// stands in another file (see Policies), so it is warned of.
func Parse(doc strict.Doc, n *yaml.Node) (slos []pitwall.SLO, warnings []string, err error) {
	r := &reading{strict.Reading{Doc: doc, Node: n}}
	if n.Kind != yaml.MappingNode {
		return nil, nil, doc.Wrong(n.Line, "an objective starts with apiVersion: "+APIVersion, "expected an object")
	}
	var d document
	if err := doc.Decode(n, &d); err != nil {
		return nil, nil, err
	}
	switch {
	case d.APIVersion != APIVersion:
		return nil, nil, doc.Wrong(n.Line, "expected "+APIVersion, "apiVersion is %q", d.APIVersion)
	case d.Kind != "ServiceLevelObjective":
		return nil, nil, doc.Wrong(n.Line, "", "kind is %q%s", d.Kind, strict.Nearest(d.Kind, []string{"ServiceLevelObjective"}))
	case d.Metadata.Name == "":
		return nil, nil, doc.Wrong(n.Line, "", "metadata.name is missing")
	}
	s, err := r.slo(d)
	if err != nil {
		return nil, r.Warnings, err
	}
	return []pitwall.SLO{s}, r.Warnings, nil
}

func (r *reading) slo(d document) (pitwall.SLO, error) {
	s := pitwall.SLO{Name: pitwall.SLOName(d.Metadata.Name), Description: strings.TrimSpace(d.Spec.Description), Window: 28 * day, Budgeting: pitwall.Occurrences,
		Labels: maps.Clone(d.Metadata.Labels), Preset: Preset, Source: fmt.Sprintf("%s:%d", r.File, r.Node.Line), YAML: strict.Shown(r.Node)}
	s.Service = pitwall.ServiceName(d.Metadata.Name)
	if name := d.Metadata.Labels["service_name"]; name != "" {
		s.Service = pitwall.ServiceName(name)
	}
	if d.Spec.Policy != "" && d.Spec.Policy != "default" {
		r.Warn(r.LineOf("error_budget_policy"), "the policy %s stands in slo-generator's configuration; the tiers of its default policy are used", d.Spec.Policy)
	}
	if d.Spec.Backend != "prometheus" && !strings.HasPrefix(d.Spec.Backend, "prometheus/") {
		return s, r.Wrong(r.LineOf("backend"), r.instead(d.Spec.Backend), "backend %q is not read; only prometheus is", d.Spec.Backend)
	}
	var err error
	if s.Target, err = r.goal(d.Spec.Goal); err != nil {
		return s, err
	}
	s.SLI, err = r.indicator(d)
	s.SLI.Service = s.Service
	return s, err
}

// instead says what to do about a backend that cannot be asked.
func (r *reading) instead(backend string) string {
	switch backend {
	case "cloud_monitoring", "cloud_monitoring_mql", "cloud_service_monitoring":
		return "query Cloud Monitoring through its Prometheus API (a source of type prometheus) and write the filters as PromQL with backend: prometheus"
	case "datadog", "dynatrace", "splunk", "elasticsearch", "opensearch", "open_search":
		return "send the same telemetry to Pitwall over OTLP, or export the counts to Prometheus, and write the objective as openslo/v1"
	case "":
		return "backend: prometheus"
	}
	return "export the counts of good and bad events to Prometheus, and write the objective as openslo/v1"
}

func (r *reading) goal(n yaml.Node) (pitwall.Ratio, error) {
	line := max(n.Line, r.Node.Line)
	v, err := strconv.ParseFloat(n.Value, 64)
	switch {
	case n.IsZero():
		return 0, r.Wrong(line, "goal: 0.999", "goal is missing")
	case err != nil || n.Kind != yaml.ScalarNode:
		return 0, r.Wrong(line, "goal: 0.999", "goal is not a number")
	case v == 1:
		return 0, r.Wrong(line, "choose less, such as 0.999", "goal 1 leaves no budget to spend")
	case !(v > 0 && v < 1):
		return 0, r.Wrong(line, "goal is a ratio: 0.999", "goal %s must lie between 0 and 1", n.Value)
	}
	return pitwall.Ratio(v), nil
}

func (r *reading) indicator(d document) (pitwall.SLI, error) {
	var in indicator
	line := max(d.Spec.Indicator.Line, r.Node.Line)
	if d.Spec.Indicator.Kind != yaml.MappingNode {
		return pitwall.SLI{}, r.Wrong(line, "", "service_level_indicator is missing")
	}
	if err := r.Decode(&d.Spec.Indicator, &in); err != nil {
		return pitwall.SLI{}, err
	}
	switch d.Spec.Method {
	case "good_bad_ratio":
		return r.goodBad(in)
	case "distribution_cut":
		return r.cut(in)
	case "query_sli":
		return r.ratio(in)
	}
	methods := []string{"good_bad_ratio", "distribution_cut", "query_sli"}
	return pitwall.SLI{}, r.Wrong(r.LineOf("method"), "known: "+strings.Join(methods, ", "), "method is %q%s", d.Spec.Method, strict.Nearest(d.Spec.Method, methods))
}

// goodBad counts filters: good of valid, or good and bad.
func (r *reading) goodBad(in indicator) (pitwall.SLI, error) {
	var err error
	counter := func(field, query string) string {
		if query == "" || err != nil {
			return ""
		}
		if _, err = r.query(field, query); err != nil {
			return ""
		}
		text, e := promql.OpenCounter(fill(query))
		if e != nil {
			err = r.Wrong(r.LineOf(field), pitwall.HintOf(e), "%s: %w", field, e)
		}
		return text
	}
	q := pitwall.SLIQuery{Good: counter("filter_good", in.Good), Bad: counter("filter_bad", in.Bad), Total: counter("filter_valid", in.Valid)}
	switch {
	case err != nil:
		return pitwall.SLI{}, err
	case q.Good == "" || (q.Bad == "") == (q.Total == ""):
		return pitwall.SLI{}, r.Wrong(r.LineOf("service_level_indicator"), "", "good_bad_ratio needs filter_good and one of filter_bad and filter_valid")
	}
	return pitwall.SLI{Kind: pitwall.SLIEvents, Query: &q}, nil
}

// cut counts what a histogram has at or below a bucket.
func (r *reading) cut(in indicator) (pitwall.SLI, error) {
	e, err := r.query("expression", in.Expression)
	if err != nil {
		return pitwall.SLI{}, err
	}
	line := r.LineOf("expression")
	s, ok := promql.OneSelector(e)
	base, isBucket := strings.CutSuffix(s.Metric, "_bucket")
	switch {
	case !ok || !isBucket || s.Range != 0:
		return pitwall.SLI{}, r.Wrong(line, `expression: http_request_duration_seconds_bucket{job="a"}`, "expression must be one histogram, a metric named _bucket, without functions")
	case slices.ContainsFunc(s.Matchers, func(m promql.Matcher) bool { return m.Name == "le" }):
		return pitwall.SLI{}, r.Wrong(line, "the bound is threshold_bucket", "expression has a condition on le")
	}
	bound, err := strconv.ParseFloat(in.Threshold.Value, 64)
	if err != nil || !(bound > 0) {
		return pitwall.SLI{}, r.Wrong(max(in.Threshold.Line, line), "threshold_bucket: 0.25", "threshold_bucket %q is not a positive number", in.Threshold.Value)
	}
	// A client may write a bucket of a whole number as 5 or as 5.0.
	le := promql.Matcher{Name: "le", Op: "=", Value: in.Threshold.Value}
	if !strings.ContainsAny(in.Threshold.Value, ".eE") {
		le = promql.Matcher{Name: "le", Op: "=~", Value: in.Threshold.Value + `(\.0)?`}
	}
	rate := func(name string, more ...promql.Matcher) string {
		list := promql.SortMatchers(append(slices.Clone(s.Matchers), more...))
		return "sum(rate(" + promql.Choose(name, list) + "[{{.window}}]))"
	}
	return pitwall.SLI{Kind: pitwall.SLIEvents, Query: &pitwall.SLIQuery{Good: rate(s.Metric, le), Total: rate(base + "_count")}}, nil
}

// ratio takes a query for the share of good events.
func (r *reading) ratio(in indicator) (pitwall.SLI, error) {
	if _, err := r.query("expression", in.Expression); err != nil {
		return pitwall.SLI{}, err
	}
	return pitwall.SLI{Kind: pitwall.SLIRatio, Query: &pitwall.SLIQuery{Ratio: strings.TrimSpace(fill(in.Expression))}}, nil
}

// query reads PromQL in which [window] stands for a window.
func (r *reading) query(field, query string) (promql.Expr, error) {
	line := r.LineOf(field)
	if strings.TrimSpace(query) == "" {
		return promql.Expr{}, r.Wrong(line, "", "%s is missing", field)
	}
	e, err := promql.Parse(fill(query))
	if err != nil {
		return e, r.Wrong(line, pitwall.HintOf(err), "%s: %w", field, err)
	}
	return e, nil
}

// window is slo-generator's placeholder. It is read-only.
var window = regexp.MustCompile(`\[\s*window\s*\]`)

func fill(query string) string { return window.ReplaceAllLiteralString(query, "[{{.window}}]") }
