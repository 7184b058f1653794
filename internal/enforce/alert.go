package enforce

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/pitwall/pitwall"
)

// ruleFile, ruleGroup and rule are Prometheus' rule file.
type ruleFile struct {
	Groups []ruleGroup `yaml:"groups"`
}

type ruleGroup struct {
	Name  string `yaml:"name"`
	Rules []rule `yaml:"rules"`
}

type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// Metric names are OpenTelemetry's HTTP server semantic conventions as
// Prometheus translates them.
const (
	sizeMetric     = "http_server_response_body_size_bytes"
	durationMetric = "http_server_request_duration_seconds"
)

// by is what an endpoint is told apart by.
const by = "service_name, http_request_method, http_route"

// payloadAlert renders three alerts: over the contract now, grown by half
// within a week, and nothing measured at all.
func (r *renderer) payloadAlert() error {
	median, err := r.median()
	if err != nil {
		return err
	}
	s := r.h.Signal
	limit := pitwall.Bytes(float64(median) * contractRatio)
	one := endpoint(s.Service, s.Operation)
	rules := []rule{
		r.rule(rule{
			Alert: "ResponseSizeAboveContract", For: "2m",
			Expr:   fmt.Sprintf("%s > %d", quantile(0.5, sizeMetric, selector(one), "[5m]"), limit),
			Labels: map[string]string{"severity": "page"},
			Annotations: map[string]string{
				"summary": fmt.Sprintf("Median response of %s %s is {{ $value | humanize }}B, the contract allows %s", plain(s.Service), plain(s.Operation), limit),
				"description": fmt.Sprintf("In %s this ended in an SLO burn: %s. Before it the median was %s; the limit is %d times that.",
					r.p.ID, plain(oneLine(r.h.Claim)), median, contractRatio),
			},
		}),
		r.rule(rule{
			Alert: "ResponseSizeGrewWeekOverWeek", For: "15m",
			Expr:   weekOverWeek(s.Service),
			Labels: map[string]string{"severity": "ticket"},
			Annotations: map[string]string{
				"summary":     "p99 response of {{ $labels.service_name }} {{ $labels.http_request_method }} {{ $labels.http_route }} is {{ $value | humanize }}B, over half more than a week ago",
				"description": fmt.Sprintf("Payloads grow step by step until they burn an SLO, as in %s. Ask the producing team what was added, and who reads it.", r.p.ID),
			},
		}),
		r.rule(rule{
			Alert: "ResponseSizeNotMeasured", For: "15m",
			Expr:   fmt.Sprintf("absent_over_time(%s_count%s[1h])", sizeMetric, selector(one)),
			Labels: map[string]string{"severity": "inform"},
			Annotations: map[string]string{
				"summary":     fmt.Sprintf("No response size of %s %s was measured for an hour", plain(s.Service), plain(s.Operation)),
				"description": "The two alerts beside this one see nothing. Traffic gone, or instrumentation lost?",
			},
		}),
	}
	return r.alerts("payload", rules, payloadTests(payloadCase{r: r, rules: rules, one: one, median: float64(median)}))
}

// latencyAlert renders one alert: the p99 of the operation that burned is half
// above what it was before. Where failures burned, it is about them.
func (r *renderer) latencyAlert() error {
	reg := r.p.Opened.Regression
	if reg.Before.Known() && reg.Before.Unit == pitwall.UnitRatio {
		return r.errorAlert(float64(reg.Before.Value))
	}
	if !reg.Before.Known() || reg.Before.Unit != pitwall.UnitSeconds || reg.Before.Value <= 0 {
		return unknown{fmt.Errorf("the latency of %s %s before the regression is not known", reg.Service, reg.Operation)}
	}
	limit := math.Round(reg.Before.Value*1.5*1e4) / 1e4
	one := endpoint(reg.Service, reg.Operation)
	rules := []rule{r.rule(rule{
		Alert: "LatencyAboveBaseline", For: "5m",
		Expr:   fmt.Sprintf("%s > %s", quantile(0.99, durationMetric, selector(one), "[5m]"), number(limit)),
		Labels: map[string]string{"severity": "ticket"},
		Annotations: map[string]string{
			"summary":     fmt.Sprintf(`p99 of %s %s is {{ printf "%%.3g" $value }} s, normal is %s s`, plain(reg.Service), plain(reg.Operation), number(math.Round(reg.Before.Value*1e4)/1e4)),
			"description": fmt.Sprintf("In %s the cause was: %s.", r.p.ID, plain(oneLine(r.h.Claim))),
		},
	})}
	return r.alerts("latency", rules, latencyTests(latencyCase{rules: rules, one: one, normal: reg.Before.Value}))
}

// errorAlert renders one alert: more requests of the operation fail than half
// above what was normal, and than its objective allows.
func (r *renderer) errorAlert(before float64) error {
	reg := r.p.Opened.Regression
	allowed := 1 - float64(r.p.Opened.Budget.Target)
	if allowed <= 0 || allowed >= 1 {
		allowed = 0.01 // the objective is not known
	}
	limit := math.Round(max(1.5*before, allowed)*1e4) / 1e4
	one := endpoint(reg.Service, reg.Operation)
	failed := strings.TrimSuffix(selector(one), "}") + `,http_response_status_code=~"5.."}`
	rules := []rule{r.rule(rule{
		Alert: "FailuresAboveBaseline", For: "5m",
		Expr: fmt.Sprintf("sum by (%s) (rate(%s_count%s[5m])) / sum by (%s) (rate(%s_count%s[5m])) > %s",
			by, durationMetric, failed, by, durationMetric, selector(one), number(limit)),
		Labels: map[string]string{"severity": "ticket"},
		Annotations: map[string]string{
			"summary":     fmt.Sprintf(`A share of {{ printf "%%.3g" $value }} of %s %s fails, normal is %s`, plain(reg.Service), plain(reg.Operation), number(math.Round(before*1e4)/1e4)),
			"description": fmt.Sprintf("In %s the cause was: %s.", r.p.ID, plain(oneLine(r.h.Claim))),
		},
	})}
	return r.alerts("errors", rules, errorTests(rules, one))
}

// rule adds what every alert carries: who is asked, the plan, the runbook.
func (r *renderer) rule(a rule) rule {
	a.Labels["team"] = r.o.Owner
	a.Labels["plan"] = string(r.p.ID)
	if a.Labels["team"] == "" {
		a.Labels["team"] = "unowned"
	}
	if url := r.runbookURL(); url != "" {
		a.Annotations["runbook_url"] = plain(url)
	}
	if url := r.planURL(); url != "" {
		a.Annotations["plan_url"] = plain(url)
	}
	return a
}

// alerts adds the rule file and its unit test.
func (r *renderer) alerts(topic string, rules []rule, tests testFile) error {
	service := r.slug()
	if topic == "latency" || topic == "errors" {
		service = slug(string(r.p.Opened.Regression.Service))
	}
	name := service + "-" + topic
	text, err := encode(ruleFile{Groups: []ruleGroup{{Name: "pitwall-" + slug(string(r.p.ID)) + "-" + name, Rules: rules}}})
	if err != nil {
		return err
	}
	r.add(pitwall.EnforcedAlertRule, "alerts/"+name+".rules.yaml", r.header("Check it: promtool check rules "+name+".rules.yaml")+text)
	tests.RuleFiles = []string{name + ".rules.yaml"}
	if text, err = encode(tests); err != nil {
		return err
	}
	r.add(pitwall.EnforcedAlertRule, "alerts/"+name+".test.yaml", r.header("Run it: promtool test rules "+name+".test.yaml")+text)
	return nil
}

// weekOverWeek compares each endpoint of a service with itself a week ago, where
// it has enough requests for a p99 to mean something.
func weekOverWeek(s pitwall.ServiceName) string {
	all := selector([][2]string{{"service_name", string(s)}})
	return fmt.Sprintf("%s\n  > 1.5 * %s\n  and sum by (%s) (increase(%s_count%s[1h])) >= 100",
		quantile(0.99, sizeMetric, all, "[1h]"), quantile(0.99, sizeMetric, all, "[1h] offset 1w"), by, sizeMetric, all)
}

// quantile asks a histogram; within is a range selector with its brackets.
func quantile(q float64, metric, selector, within string) string {
	return fmt.Sprintf("histogram_quantile(%v, sum by (le, %s) (rate(%s_bucket%s%s)))", q, by, metric, selector, within)
}

// endpoint gives the labels of an operation such as "POST /v1/items/lookup".
func endpoint(s pitwall.ServiceName, operation string) [][2]string {
	labels := [][2]string{{"service_name", string(s)}}
	method, route, two := strings.Cut(operation, " ")
	if !two {
		return append(labels, [2]string{"http_route", operation})
	}
	return append(labels, [2]string{"http_request_method", method}, [2]string{"http_route", route})
}

func selector(labels [][2]string) string {
	var parts []string
	for _, l := range labels {
		parts = append(parts, l[0]+"="+strconv.Quote(l[1]))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// plain keeps text out of the hands of Prometheus' templates.
func plain[S ~string](s S) string {
	return strings.ReplaceAll(string(s), "{{", "{{`{{`}}")
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
