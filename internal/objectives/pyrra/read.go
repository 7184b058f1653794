package pyrra

import (
	"fmt"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// APIVersion is that of the manifests.
const APIVersion = "pyrra.dev/v1alpha1"

// unreachableTiers is the annotation that allows to leave out alerts that can
// never fire.
const unreachableTiers = slo.UnreachableTiers

// manifest is a document; what a cluster adds to it is known and left alone.
type manifest struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       struct {
		Description string    `yaml:"description"`
		Target      yaml.Node `yaml:"target"`
		Window      string    `yaml:"window"`
		Indicator   struct {
			Ratio     *ratio         `yaml:"ratio"`
			Latency   *latency       `yaml:"latency"`
			Native    *latencyNative `yaml:"latencyNative"`
			BoolGauge *boolGauge     `yaml:"bool_gauge"`
		} `yaml:"indicator"`
		Alerting        alerting `yaml:"alerting"`
		PartialResponse string   `yaml:"partial_response_strategy"` // of Thanos' ruler; no rule changes
		Fast            bool     `yaml:"performanceOverAccuracy"`
	} `yaml:"spec"`
	Status yaml.Node `yaml:"status"`
}

type metadata struct {
	Name              string            `yaml:"name"`
	Namespace         string            `yaml:"namespace"`
	Labels            map[string]string `yaml:"labels"`
	Annotations       map[string]string `yaml:"annotations"`
	CreationTimestamp yaml.Node         `yaml:"creationTimestamp"`
	Generation        yaml.Node         `yaml:"generation"`
	ResourceVersion   yaml.Node         `yaml:"resourceVersion"`
	UID               yaml.Node         `yaml:"uid"`
	ManagedFields     yaml.Node         `yaml:"managedFields"`
}

type query struct {
	Metric string `yaml:"metric"`
}

type ratio struct {
	Errors   query    `yaml:"errors"`
	Total    query    `yaml:"total"`
	Grouping []string `yaml:"grouping"`
}

type latency struct {
	Success  query    `yaml:"success"`
	Total    query    `yaml:"total"`
	Grouping []string `yaml:"grouping"`
}

type latencyNative struct {
	Latency  string   `yaml:"latency"`
	Total    query    `yaml:"total"`
	Grouping []string `yaml:"grouping"`
}

type boolGauge struct {
	Metric   string   `yaml:"metric"`
	Grouping []string `yaml:"grouping"`
}

type alerting struct {
	Disabled   bool   `yaml:"disabled"`
	Burnrates  *bool  `yaml:"burnrates"`
	Absent     *bool  `yaml:"absent"`
	Name       string `yaml:"name"`
	AbsentName string `yaml:"absentName"`
	Severities struct {
		Fast     string `yaml:"fastBurn"`
		Medium   string `yaml:"mediumBurn"`
		Slow     string `yaml:"slowBurn"`
		LongTerm string `yaml:"longTermBurn"`
		Absent   string `yaml:"absent"`
	} `yaml:"severities"`
}

// reading is one manifest while it is read.
type reading struct{ strict.Reading }

// Read reads one manifest.
func Read(doc strict.Doc, n *yaml.Node) (s Spec, warnings []string, err error) {
	r := &reading{strict.Reading{Doc: doc, Node: n}}
	if n.Kind != yaml.MappingNode {
		return s, nil, doc.Wrong(n.Line, "a manifest starts with apiVersion: "+APIVersion, "expected an object")
	}
	var m manifest
	if err := doc.Decode(n, &m); err != nil {
		return s, nil, err
	}
	switch {
	case m.APIVersion != APIVersion:
		return s, nil, doc.Wrong(n.Line, "expected "+APIVersion, "apiVersion is %q", m.APIVersion)
	case m.Kind != "ServiceLevelObjective":
		return s, nil, doc.Wrong(n.Line, "expected ServiceLevelObjective", "kind is %q%s", m.Kind, strict.Nearest(m.Kind, []string{"ServiceLevelObjective"}))
	case m.Metadata.Name == "":
		return s, nil, doc.Wrong(n.Line, "", "metadata.name is missing")
	}
	s = Spec{Name: m.Metadata.Name, Namespace: m.Metadata.Namespace, Labels: m.Metadata.Labels, Annotations: m.Metadata.Annotations,
		Description: strings.TrimSpace(m.Spec.Description), Fast: m.Spec.Fast, Alerting: m.Spec.Alerting.read(),
		Source: fmt.Sprintf("%s:%d", doc.File, n.Line), YAML: strict.Shown(n)}
	if s.Target, err = r.target(m.Spec.Target); err != nil {
		return s, r.Warnings, err
	}
	if s.Window, err = r.window(m.Spec.Window); err != nil {
		return s, r.Warnings, err
	}
	if err = r.indicator(&s, m); err == nil {
		err = r.reachable(s)
	}
	return s, r.Warnings, err
}

// read fills in what a manifest leaves out.
func (a alerting) read() Alerting {
	set := func(b *bool) bool { return b == nil || *b }
	out := Alerting{Burnrates: set(a.Burnrates) && !a.Disabled, Absent: set(a.Absent), Name: a.Name, AbsentName: a.AbsentName,
		Severities: [4]string{a.Severities.Fast, a.Severities.Medium, a.Severities.Slow, a.Severities.LongTerm}, AbsentSeverity: a.Severities.Absent}
	if out.Name == "" {
		out.Name = "ErrorBudgetBurn"
	}
	if out.AbsentName == "" {
		out.AbsentName = "SLOMetricAbsent"
	}
	if out.AbsentSeverity == "" {
		out.AbsentSeverity = "critical"
	}
	return out
}

func (r *reading) target(n yaml.Node) (pitwall.Ratio, error) {
	line := max(n.Line, r.Node.Line)
	v, err := strict.Percent(n.Value)
	switch {
	case n.IsZero() || n.Value == "":
		return 0, r.Wrong(line, `target: "99.9"`, "spec.target is missing")
	case err != nil || n.Kind != yaml.ScalarNode:
		return 0, r.Wrong(line, `target: "99.9"`, "target %q is not a number", n.Value)
	case v == 1:
		return 0, r.Wrong(line, "choose less, such as 99.9", "target 100 leaves no budget: any error would page")
	case !(v > 0 && v < 1):
		return 0, r.Wrong(line, `target: "99.9"`, "target %s must lie above 0 and below 100", n.Value)
	case v < 0.01:
		return 0, r.Wrong(line, `target: "99.9"`, "target %s is a percentage here: %s %%; %s was surely meant", n.Value, n.Value, strict.Percentage(v*100))
	}
	return pitwall.Ratio(v), nil
}

// window refuses lengths of which a burn window would round to nothing.
func (r *reading) window(s string) (time.Duration, error) {
	line := r.LineOf("window")
	d, err := promql.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, r.Wrong(line, "window: 4w", "window %q is not a length of time", s)
	}
	for _, w := range Windows(d) {
		if w.Short == 0 || w.Long == 0 {
			return 0, r.Wrong(line, "choose 84h or longer", "window %s is too short: the burn windows of %s round to %s and %s, and Prometheus refuses 0s",
				s, w.Name, promql.Duration(w.Long), promql.Duration(w.Short))
		}
	}
	return d, nil
}

// reachable refuses an objective of which no page can ever fire. One of several
// is warned of, for running manifests have them.
func (r *reading) reachable(s Spec) error {
	if !s.Alerting.Burnrates {
		return nil
	}
	dead, page := unreachable(s)
	line := r.LineOf("target")
	if len(dead) > 0 && !page {
		return r.Wrong(line, "raise the target, or set alerting.burnrates: false", "target %s %%: no page can ever fire: %s", strict.Percentage(float64(s.Target)), strings.Join(dead, "; "))
	}
	for _, d := range dead {
		r.Warn(line, "%s; it is left out", d)
	}
	return nil
}

func unreachable(s Spec) (dead []string, page bool) {
	for _, w := range Windows(s.Window) {
		if slo.Reachable(pitwall.BurnTier{Factor: w.Factor}, s.Target) {
			page = page || w.Severity == "critical"
			continue
		}
		dead = append(dead, fmt.Sprintf("%s can never be exceeded: factor %g × (1 − %.6g) ≥ 1, and no error ratio exceeds 1", w.Name, w.Factor, float64(s.Target)))
	}
	return dead, page
}
