package slo

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// SpanSource is the metricSource type that Pitwall counts from server spans.
const SpanSource = "pitwall-spans"

const readOp = "reading SLO file"

// header is what every OpenSLO object starts with.
type header struct {
	APIVersion string    `yaml:"apiVersion"`
	Kind       string    `yaml:"kind"`
	Metadata   metadata  `yaml:"metadata"`
	Spec       yaml.Node `yaml:"spec"`
}

type metadata struct {
	Name        string            `yaml:"name"`
	DisplayName string            `yaml:"displayName"`
	Labels      yaml.Node         `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// sloSpec names every field of an OpenSLO v1 SLO, those that are refused too,
// so that a known field is never called unknown.
type sloSpec struct {
	Description     string       `yaml:"description"`
	Service         string       `yaml:"service"`
	Indicator       *indicator   `yaml:"indicator"`
	IndicatorRef    string       `yaml:"indicatorRef"`
	TimeWindow      []timeWindow `yaml:"timeWindow"`
	BudgetingMethod string       `yaml:"budgetingMethod"`
	Objectives      []objective  `yaml:"objectives"`
	AlertPolicies   yaml.Node    `yaml:"alertPolicies"`
}

type indicator struct {
	Metadata metadata `yaml:"metadata"`
	Spec     sliSpec  `yaml:"spec"`
}

type sliSpec struct {
	Description     string       `yaml:"description"`
	RatioMetric     *ratioMetric `yaml:"ratioMetric"`
	ThresholdMetric yaml.Node    `yaml:"thresholdMetric"`
}

type ratioMetric struct {
	Counter bool      `yaml:"counter"`
	Good    *metric   `yaml:"good"`
	Total   *metric   `yaml:"total"`
	Bad     yaml.Node `yaml:"bad"`
	Raw     yaml.Node `yaml:"raw"`
	RawType string    `yaml:"rawType"`
}

type metric struct {
	MetricSource struct {
		Ref  string    `yaml:"metricSourceRef"`
		Type string    `yaml:"type"`
		Spec yaml.Node `yaml:"spec"`
	} `yaml:"metricSource"`
}

// spanSpec is the spec of a pitwall-spans source. Service and operation of good
// may be left out; they are those of total.
type spanSpec struct {
	Service   string `yaml:"service"`
	Operation string `yaml:"operation"`
	// MaxDuration is the slowest good request; left out, every request that did
	// not fail is good.
	MaxDuration string `yaml:"maxDuration"`
}

type timeWindow struct {
	Duration  string    `yaml:"duration"`
	IsRolling bool      `yaml:"isRolling"`
	Calendar  yaml.Node `yaml:"calendar"`
}

type objective struct {
	DisplayName     string    `yaml:"displayName"`
	Op              yaml.Node `yaml:"op"`
	Value           yaml.Node `yaml:"value"`
	Target          yaml.Node `yaml:"target"`
	TargetPercent   yaml.Node `yaml:"targetPercent"`
	TimeSliceTarget yaml.Node `yaml:"timeSliceTarget"`
	TimeSliceWindow yaml.Node `yaml:"timeSliceWindow"`
	CompositeWeight yaml.Node `yaml:"compositeWeight"`
	Indicator       yaml.Node `yaml:"indicator"`
	IndicatorRef    yaml.Node `yaml:"indicatorRef"`
}

// ReadFile reads the SLOs of one OpenSLO v1 file with the default burn tiers.
// The warnings name what was understood but is not used.
func ReadFile(path string) (slos []pitwall.SLO, warnings []string, err error) {
	return ReadFiles(DefaultPreset, path)
}

// ReadFiles reads several files as one set: an SLO may refer to an SLI of
// another file, and no two SLOs may have the same name.
func ReadFiles(preset string, paths ...string) (slos []pitwall.SLO, warnings []string, err error) {
	var set reading
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, &pitwall.Error{Op: readOp, Kind: pitwall.NotFound, ID: path, Err: err, Hint: "see slos: in pitwall.yaml"}
		}
		if err := set.add(path, data); err != nil {
			return nil, nil, err
		}
	}
	return set.finish(preset)
}

// Parse reads the SLOs of one OpenSLO v1 document or stream; name stands for
// the file in errors. preset is the name of a set of burn tiers.
func Parse(name string, data []byte, preset string) (slos []pitwall.SLO, warnings []string, err error) {
	var set reading
	if err := set.add(name, data); err != nil {
		return nil, nil, err
	}
	return set.finish(preset)
}

// object is one SLO or SLI as read, with where it stood.
type object struct {
	doc  strict.Doc
	line int
	head header
	node *yaml.Node
}

// reading collects the objects of all files before references are resolved.
type reading struct {
	slos     []object
	slis     map[string]object
	warnings []string
}

func (r *reading) add(name string, data []byte) error {
	doc := strict.Doc{Op: readOp, File: name}
	nodes, err := doc.Nodes(data)
	if err != nil {
		return err
	}
	if len(nodes) == 0 {
		return doc.Wrong(0, "an SLO starts with apiVersion: openslo/v1", "the file is empty")
	}
	for _, n := range nodes {
		list := []*yaml.Node{n}
		if n.Kind == yaml.SequenceNode {
			list = n.Content
		}
		for _, item := range list {
			if err := r.addObject(doc, item); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reading) addObject(doc strict.Doc, n *yaml.Node) error {
	o := object{doc: doc, line: n.Line, node: n}
	if n.Kind != yaml.MappingNode {
		return doc.Wrong(n.Line, "an SLO starts with apiVersion: openslo/v1", "expected an object with apiVersion, kind, metadata and spec")
	}
	if err := doc.Decode(n, &o.head); err != nil {
		return err
	}
	if o.head.APIVersion != "openslo/v1" {
		return doc.Wrong(n.Line, "only openslo/v1 is read", "apiVersion is %q", o.head.APIVersion)
	}
	if o.head.Metadata.Name == "" {
		return doc.Wrong(n.Line, "", "metadata.name is missing")
	}
	switch o.head.Kind {
	case "SLO":
		r.slos = append(r.slos, o)
	case "SLI":
		if old, twice := r.slis[o.head.Metadata.Name]; twice {
			return doc.Wrong(n.Line, "", "SLI %q is defined twice, first at %s:%d", o.head.Metadata.Name, old.doc.File, old.line)
		}
		if r.slis == nil {
			r.slis = map[string]object{}
		}
		r.slis[o.head.Metadata.Name] = o
	case "AlertPolicy", "AlertCondition", "AlertNotificationTarget", "Service", "DataSource":
		r.warnings = append(r.warnings, fmt.Sprintf("%s:%d: %s %q is not used; burn tiers come from a preset", doc.File, n.Line, o.head.Kind, o.head.Metadata.Name))
	default:
		return doc.Wrong(n.Line, "", "unknown kind %q%s", o.head.Kind, strict.Nearest(o.head.Kind, []string{"SLO", "SLI", "AlertPolicy", "Service", "DataSource"}))
	}
	return nil
}

// finish resolves references and turns every object into an SLO.
func (r *reading) finish(preset string) ([]pitwall.SLO, []string, error) {
	var slos []pitwall.SLO
	seen := map[pitwall.SLOName]string{}
	for _, o := range r.slos {
		s, err := r.slo(o, preset)
		if err != nil {
			return nil, nil, err
		}
		if first, twice := seen[s.Name]; twice {
			return nil, nil, o.doc.Wrong(o.line, "names are unique in one Pitwall", "SLO %q is defined twice, first at %s", s.Name, first)
		}
		seen[s.Name] = s.Source
		slos = append(slos, s)
	}
	return slos, r.warnings, nil
}

func (r *reading) slo(o object, preset string) (pitwall.SLO, error) {
	var spec sloSpec
	if o.head.Spec.Kind != yaml.MappingNode {
		return pitwall.SLO{}, o.doc.Wrong(o.line, "", "spec is missing")
	}
	if err := o.doc.Decode(&o.head.Spec, &spec); err != nil {
		return pitwall.SLO{}, err
	}
	if spec.Service == "" {
		return pitwall.SLO{}, o.doc.Wrong(o.head.Spec.Line, "", "spec.service is missing")
	}
	s := pitwall.SLO{
		Name: pitwall.SLOName(o.head.Metadata.Name), DisplayName: o.head.Metadata.DisplayName,
		Description: strings.TrimSpace(spec.Description), Service: pitwall.ServiceName(spec.Service),
		Source: fmt.Sprintf("%s:%d", o.doc.File, o.line), YAML: text(o.node),
	}
	var err error
	if s.SLI, err = r.indicator(o, spec); err != nil {
		return s, err
	}
	if s.Window, err = window(o, spec); err != nil {
		return s, err
	}
	if s.Target, err = target(o, spec); err != nil {
		return s, err
	}
	switch m := spec.BudgetingMethod; m {
	case "Occurrences":
	case "":
		r.warnings = append(r.warnings, s.Source+": budgetingMethod is missing; Occurrences is assumed")
	default:
		return s, o.doc.Wrong(o.head.Spec.Line, "use Occurrences", "budgetingMethod %q is not read yet", m)
	}
	if !spec.AlertPolicies.IsZero() {
		r.warnings = append(r.warnings, s.Source+": alertPolicies are not used; burn tiers come from the preset "+preset)
	}
	return r.withTiers(o, s, preset)
}

// text is an object as YAML, for showing it.
func text(n *yaml.Node) string {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if enc.Encode(n) != nil || enc.Close() != nil {
		return ""
	}
	return b.String()
}
