package sloth

import (
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
)

// The dialects, as their documents name them.
const (
	PrometheusV1   = "prometheus/v1"
	KubernetesV1   = "sloth.slok.dev/v1"
	OpenSLOV1Alpha = "openslo/v1alpha"
)

// Spec is one document: the objectives of a service.
type Spec struct {
	Dialect string
	Service string
	Labels  map[string]string
	SLOs    []SLO
	Kube    *promql.KubeObject // of a Kubernetes object, for the rules made of it
}

// SLO is one objective as Sloth sees it. Of the queries it has ErrorQuery and
// TotalQuery, or ErrorRatio, or GoodQuery and TotalQuery (from OpenSLO).
type SLO struct {
	Name, Description string
	Target            pitwall.Ratio // in (0,1); the file says it in percent
	Period            time.Duration // zero: what Options say
	Labels            map[string]string
	ErrorQuery        string
	GoodQuery         string
	TotalQuery        string
	ErrorRatio        string
	Alerting          Alerting

	Source string // file:line
	YAML   string
}

// ID is what Sloth calls an objective among those of all services.
func (s Spec) ID(o SLO) string { return s.Service + "-" + o.Name }

// Alerting is how an objective's alerts are named and labelled.
type Alerting struct {
	Name         string
	Labels       map[string]string
	Annotations  map[string]string
	Page, Ticket Alert
}

// Alert is what is said of one of the two alerts.
type Alert struct {
	Disable     bool              `yaml:"disable"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}
