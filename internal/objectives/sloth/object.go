package sloth

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
	"gopkg.in/yaml.v3"
)

// object is a PrometheusServiceLevel of Kubernetes; what the cluster adds to it
// is known and left alone.
type object struct {
	APIVersion string    `yaml:"apiVersion"`
	Kind       string    `yaml:"kind"`
	Metadata   metadata  `yaml:"metadata"`
	Status     yaml.Node `yaml:"status"`
	Spec       struct {
		Service string            `yaml:"service"`
		Labels  map[string]string `yaml:"labels"`
		Plugins yaml.Node         `yaml:"sloPlugins"`
		SLOs    []yaml.Node       `yaml:"slos"`
	} `yaml:"spec"`
}

type metadata struct {
	Name              string            `yaml:"name"`
	Namespace         string            `yaml:"namespace"`
	Labels            map[string]string `yaml:"labels"`
	Annotations       map[string]string `yaml:"annotations"`
	DisplayName       string            `yaml:"displayName"` // of OpenSLO
	CreationTimestamp yaml.Node         `yaml:"creationTimestamp"`
	Generation        yaml.Node         `yaml:"generation"`
	ResourceVersion   yaml.Node         `yaml:"resourceVersion"`
	UID               yaml.Node         `yaml:"uid"`
	ManagedFields     yaml.Node         `yaml:"managedFields"`
}

// objectSLO is fileSLO in the spelling of the Kubernetes object; but for tags the
// two are the same, so one converts to the other.
type objectSLO struct {
	Name        string            `yaml:"name"`
	Objective   yaml.Node         `yaml:"objective"`
	Description string            `yaml:"description"`
	Labels      map[string]string `yaml:"labels"`
	Plugins     yaml.Node         `yaml:"plugins"`
	SLI         struct {
		Raw *struct {
			Query string `yaml:"errorRatioQuery"`
		} `yaml:"raw"`
		Events *struct {
			Error string `yaml:"errorQuery"`
			Total string `yaml:"totalQuery"`
		} `yaml:"events"`
		Plugin yaml.Node `yaml:"plugin"`
	} `yaml:"sli"`
	Alerting struct {
		Name        string            `yaml:"name"`
		Labels      map[string]string `yaml:"labels"`
		Annotations map[string]string `yaml:"annotations"`
		Page        Alert             `yaml:"pageAlert"`
		Ticket      Alert             `yaml:"ticketAlert"`

		PageObject, TicketObject yaml.Node `yaml:"-"` // of fileSLO
	} `yaml:"alerting"`
}

func (r *reading) object(n *yaml.Node) (Spec, error) {
	var k object
	if err := r.Decode(n, &k); err != nil {
		return Spec{}, err
	}
	s := Spec{Dialect: KubernetesV1, Service: k.Spec.Service, Labels: k.Spec.Labels}
	if k.Metadata.Name == "" {
		return s, r.Wrong(n.Line, "", "metadata.name is missing")
	}
	if !k.Spec.Plugins.IsZero() {
		return s, r.plugin(k.Spec.Plugins.Line, "sloPlugins")
	}
	s.Kube = &promql.KubeObject{Name: k.Metadata.Name, Namespace: k.Metadata.Namespace, Annotations: promql.LabelsOf(k.Metadata.Annotations),
		Labels: promql.LabelsOf(k.Metadata.Labels, map[string]string{"app.kubernetes.io/component": "SLO", "app.kubernetes.io/managed-by": "pitwall"})}
	var err error
	s.SLOs, err = each(k.Spec.SLOs, r.objectSLO)
	return s, err
}

func (r *reading) objectSLO(n *yaml.Node) (SLO, error) {
	var k objectSLO
	if err := r.Decode(n, &k); err != nil {
		return SLO{}, err
	}
	return r.slo(n, fileSLO(k), "give sli.events with errorQuery and totalQuery, or sli.raw with errorRatioQuery")
}

// alpha is an SLO of OpenSLO v1alpha.
type alpha struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       struct {
		Service         string      `yaml:"service"`
		Description     string      `yaml:"description"`
		BudgetingMethod string      `yaml:"budgetingMethod"`
		Objectives      []yaml.Node `yaml:"objectives"`
		Indicator       yaml.Node   `yaml:"indicator"`
		TimeWindows     []struct {
			Count     int       `yaml:"count"`
			Unit      string    `yaml:"unit"`
			IsRolling bool      `yaml:"isRolling"`
			Calendar  yaml.Node `yaml:"calendar"`
		} `yaml:"timeWindows"`
	} `yaml:"spec"`
}

type alphaObjective struct {
	DisplayName  string    `yaml:"displayName"`
	Target       yaml.Node `yaml:"target"`
	Value        yaml.Node `yaml:"value"` // required by the specification, of no use with a ratio
	Op           string    `yaml:"op"`
	RatioMetrics *struct {
		Counter     bool         `yaml:"counter"`
		Incremental bool         `yaml:"incremental"`
		Good        *alphaMetric `yaml:"good"`
		Total       *alphaMetric `yaml:"total"`
	} `yaml:"ratioMetrics"`
}

type alphaMetric struct {
	Source    string `yaml:"source"`
	QueryType string `yaml:"queryType"`
	Query     string `yaml:"query"`
}

// openslo reads an SLO of OpenSLO v1alpha: one objective of Sloth for each of
// its objectives, without alerts, as Sloth does.
func (r *reading) openslo(n *yaml.Node) (Spec, error) {
	var a alpha
	if err := r.Decode(n, &a); err != nil {
		return Spec{}, err
	}
	s := Spec{Dialect: OpenSLOV1Alpha, Service: a.Spec.Service}
	switch {
	case a.Kind != "SLO":
		return s, r.Wrong(n.Line, "", "kind %q of openslo/v1alpha is not read", a.Kind)
	case a.Metadata.Name == "":
		return s, r.Wrong(n.Line, "", "metadata.name is missing")
	case a.Spec.BudgetingMethod != "" && a.Spec.BudgetingMethod != "Occurrences":
		return s, r.Wrong(lineOf(n, "budgetingMethod"), "write it as openslo/v1, which Pitwall counts", "budgetingMethod %s is not counted by rules", a.Spec.BudgetingMethod)
	case !a.Spec.Indicator.IsZero():
		return s, r.Wrong(a.Spec.Indicator.Line, "give each objective its ratioMetrics", "spec.indicator is not read here")
	case len(a.Spec.Objectives) == 0:
		return s, r.Wrong(n.Line, "", "objectives are missing")
	}
	period, err := r.alphaPeriod(n, a)
	if err != nil {
		return s, err
	}
	if s.SLOs, err = each(a.Spec.Objectives, r.alphaSLO); err != nil {
		return s, err
	}
	for i := range s.SLOs {
		o := &s.SLOs[i]
		o.Name, o.Period = fmt.Sprintf("%s-%d", a.Metadata.Name, i), period
		o.Description, o.Labels = strings.TrimSpace(a.Spec.Description), a.Metadata.Labels
		o.Alerting = Alerting{Page: Alert{Disable: true}, Ticket: Alert{Disable: true}}
	}
	return s, nil
}

func (r *reading) alphaPeriod(n *yaml.Node, a alpha) (time.Duration, error) {
	line := lineOf(n, "timeWindows")
	const hint = "timeWindows: [{count: 30, unit: Day}]"
	switch list := a.Spec.TimeWindows; {
	case len(list) == 0:
		return 0, nil
	case len(list) > 1:
		return 0, r.Wrong(line, hint, "timeWindows needs one entry, got %d", len(list))
	case !list[0].Calendar.IsZero():
		return 0, r.Wrong(line, "write it as openslo/v1, which Pitwall counts", "a calendar window cannot be counted by rules")
	case list[0].Unit != "Day" && list[0].Unit != "Week" || list[0].Count < 1 || list[0].Count > 3660:
		return 0, r.Wrong(line, hint, "a window of %d %s cannot be counted by rules", list[0].Count, list[0].Unit)
	case list[0].Unit == "Week":
		return time.Duration(list[0].Count) * 7 * 24 * time.Hour, nil
	default:
		return time.Duration(list[0].Count) * 24 * time.Hour, nil
	}
}

func (r *reading) alphaSLO(n *yaml.Node) (SLO, error) {
	var a alphaObjective
	if err := r.Decode(n, &a); err != nil {
		return SLO{}, err
	}
	m := a.RatioMetrics
	switch {
	case m == nil || m.Good == nil || m.Total == nil:
		return SLO{}, r.Wrong(n.Line, "", "ratioMetrics needs both good and total")
	case a.Target.IsZero():
		return SLO{}, r.Wrong(n.Line, "target: 0.999", "the objective has no target")
	}
	for _, part := range []*alphaMetric{m.Good, m.Total} {
		if part.Source != "prometheus" && part.Source != "sloth" || part.QueryType != "promql" && part.QueryType != "" {
			return SLO{}, r.Wrong(n.Line, "use source: prometheus and queryType: promql", "a query of source %q and type %q is not read", part.Source, part.QueryType)
		}
	}
	o := SLO{GoodQuery: m.Good.Query, TotalQuery: m.Total.Query}
	v, err := strconv.ParseFloat(a.Target.Value, 64) // a ratio, where Sloth's own files have a percentage
	if err != nil || !(v > 0 && v < 1) {
		return o, r.Wrong(a.Target.Line, "target: 0.999", "target %s must lie between 0 and 1", a.Target.Value)
	}
	o.Target = pitwall.Ratio(v)
	return r.finish(n, o)
}
