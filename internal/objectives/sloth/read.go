package sloth

import (
	"fmt"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// head tells the dialects apart.
type head struct {
	Version    string `yaml:"version"`
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
}

// file is a document of prometheus/v1.
type file struct {
	Version string            `yaml:"version"`
	Service string            `yaml:"service"`
	Labels  map[string]string `yaml:"labels"`
	Plugins yaml.Node         `yaml:"slo_plugins"`
	SLOs    []yaml.Node       `yaml:"slos"`
}

type fileSLO struct {
	Name        string            `yaml:"name"`
	Objective   yaml.Node         `yaml:"objective"`
	Description string            `yaml:"description"`
	Labels      map[string]string `yaml:"labels"`
	Plugins     yaml.Node         `yaml:"plugins"`
	SLI         struct {
		Raw *struct {
			Query string `yaml:"error_ratio_query"`
		} `yaml:"raw"`
		Events *struct {
			Error string `yaml:"error_query"`
			Total string `yaml:"total_query"`
		} `yaml:"events"`
		Plugin yaml.Node `yaml:"plugin"`
	} `yaml:"sli"`
	Alerting struct {
		Name        string            `yaml:"name"`
		Labels      map[string]string `yaml:"labels"`
		Annotations map[string]string `yaml:"annotations"`
		Page        Alert             `yaml:"page_alert"`
		Ticket      Alert             `yaml:"ticket_alert"`
		// The spelling of the Kubernetes object: Sloth reads past it here, and
		// documents that it calls good have it.
		PageObject   yaml.Node `yaml:"pageAlert"`
		TicketObject yaml.Node `yaml:"ticketAlert"`
	} `yaml:"alerting"`
}

// reading is one document while it is read.
type reading struct{ strict.Reading }

// Read reads one document of any of the dialects.
func Read(doc strict.Doc, n *yaml.Node) (s Spec, warnings []string, err error) {
	const hint = "Sloth's documents start with version: prometheus/v1, or apiVersion: sloth.slok.dev/v1"
	r := &reading{strict.Reading{Doc: doc, Node: n}}
	if n.Kind != yaml.MappingNode {
		return Spec{}, nil, doc.Wrong(n.Line, hint, "expected an object")
	}
	var h head
	if err := n.Decode(&h); err != nil {
		line, text := strict.Explain(err)
		return Spec{}, nil, doc.Wrong(line, hint, "%s", text)
	}
	switch {
	case h.Version == PrometheusV1:
		s, err = r.file(n)
	case h.APIVersion == KubernetesV1 && h.Kind == "PrometheusServiceLevel":
		s, err = r.object(n)
	case h.APIVersion == KubernetesV1:
		return Spec{}, nil, doc.Wrong(n.Line, hint, "kind is %q%s", h.Kind, strict.Nearest(h.Kind, []string{"PrometheusServiceLevel"}))
	case h.APIVersion == OpenSLOV1Alpha:
		s, err = r.openslo(n)
	case h.Version != "":
		return Spec{}, nil, doc.Wrong(n.Line, hint, "version is %q%s", h.Version, strict.Nearest(h.Version, []string{PrometheusV1}))
	default:
		return Spec{}, nil, doc.Wrong(n.Line, hint, "apiVersion is %q", h.APIVersion)
	}
	if err == nil {
		err = r.check(s, n.Line)
	}
	return s, r.Warnings, err
}

func (r *reading) file(n *yaml.Node) (Spec, error) {
	var f file
	if err := r.Decode(n, &f); err != nil {
		return Spec{}, err
	}
	s := Spec{Dialect: PrometheusV1, Service: f.Service, Labels: f.Labels}
	if !f.Plugins.IsZero() {
		return s, r.plugin(f.Plugins.Line, "slo_plugins")
	}
	var err error
	s.SLOs, err = each(f.SLOs, r.fileSLO)
	return s, err
}

// each reads the objectives of a document, up to the first that is wrong.
func each(nodes []yaml.Node, read func(*yaml.Node) (SLO, error)) ([]SLO, error) {
	var list []SLO
	for i := range nodes {
		o, err := read(&nodes[i])
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, nil
}

func (r *reading) fileSLO(n *yaml.Node) (SLO, error) {
	var f fileSLO
	if err := r.Decode(n, &f); err != nil {
		return SLO{}, err
	}
	a := f.Alerting
	for _, ignored := range []struct {
		node     yaml.Node
		is, want string
	}{{a.PageObject, "pageAlert", "page_alert"}, {a.TicketObject, "ticketAlert", "ticket_alert"}} {
		if !ignored.node.IsZero() {
			r.Warn(ignored.node.Line, "%s is not read in a %s file, not by Sloth either; write %s", ignored.is, PrometheusV1, ignored.want)
		}
	}
	return r.slo(n, f, "give sli.events with error_query and total_query, or sli.raw with error_ratio_query")
}

// slo takes an SLO in either spelling; hint is how an indicator is written in it.
func (r *reading) slo(n *yaml.Node, f fileSLO, hint string) (SLO, error) {
	a := f.Alerting
	o := SLO{Name: f.Name, Description: strings.TrimSpace(f.Description), Labels: f.Labels,
		Alerting: Alerting{Name: a.Name, Labels: a.Labels, Annotations: a.Annotations, Page: a.Page, Ticket: a.Ticket}}
	switch {
	case !f.Plugins.IsZero():
		return o, r.plugin(f.Plugins.Line, "plugins")
	case !f.SLI.Plugin.IsZero():
		return o, r.plugin(f.SLI.Plugin.Line, "sli.plugin")
	case f.SLI.Raw != nil && f.SLI.Events != nil:
		return o, r.Wrong(n.Line, "keep one of them", "SLO %q has both sli.raw and sli.events", f.Name)
	case f.SLI.Raw != nil:
		o.ErrorRatio = f.SLI.Raw.Query
	case f.SLI.Events != nil:
		o.ErrorQuery, o.TotalQuery = f.SLI.Events.Error, f.SLI.Events.Total
	default:
		return o, r.Wrong(n.Line, hint, "SLO %q has no indicator", f.Name)
	}
	var err error
	if o.Target, err = r.objective(n.Line, o.Name, f.Objective); err != nil {
		return o, err
	}
	return r.finish(n, o)
}

// finish does what the dialects have in common.
func (r *reading) finish(n *yaml.Node, o SLO) (SLO, error) {
	o.Source, o.YAML = fmt.Sprintf("%s:%d", r.File, n.Line), strict.Shown(n)
	return o, r.queries(n, o)
}

func (r *reading) plugin(line int, what string) error {
	return r.Wrong(line, "write the query the plugin makes in place of it, as sli.events; the rules that Sloth generates show it",
		"%s names a Sloth plugin, a program that is not run here", what)
}

// objective reads a percentage.
func (r *reading) objective(line int, name string, n yaml.Node) (pitwall.Ratio, error) {
	if n.IsZero() {
		return 0, r.Wrong(line, "objective: 99.9", "SLO %q has no objective", name)
	}
	v, err := strict.Percent(n.Value)
	switch {
	case err != nil || n.Kind != yaml.ScalarNode:
		return 0, r.Wrong(n.Line, "objective: 99.9", "objective of SLO %q is not a number", name)
	case v == 1:
		return 0, r.Wrong(n.Line, "choose less, such as 99.9", "objective 100 of SLO %q leaves no budget: any error pages, and the burn rate divides by zero", name)
	case !(v > 0 && v < 1):
		return 0, r.Wrong(n.Line, "objective is a percentage: 99.9", "objective %s of SLO %q must lie above 0 and below 100", n.Value, name)
	case v < 0.01:
		return 0, r.Wrong(n.Line, "objective: 99.9", "objective %s of SLO %q is a percentage here: %s %%; %s was surely meant", n.Value, name, n.Value, strict.Percentage(v*100))
	}
	return pitwall.Ratio(v), nil
}
