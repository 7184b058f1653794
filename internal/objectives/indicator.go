package objectives

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/objectives/openslo"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/strict"
)

// SpanSource is the metricSource type that Pitwall counts from server spans.
const SpanSource = "pitwall-spans"

// promTypes are the types whose query is PromQL, in lower case.
func promTypes() []string {
	return []string{"prometheus", "promql", "thanos", "mimir", "cortex", "victoriametrics", "amazonprometheus", "googlemanagedprometheus", "gmp", "amp", "azureprometheus"}
}

// indicator resolves the indicator or the reference that stands in at.
func (r *reader) indicator(o openslo.Object, at, goal openslo.Field, service pitwall.ServiceName) pitwall.SLI {
	spec := at.Get("indicator", "spec")
	if ref := at.Get("indicatorRef"); ref.Has() {
		named, ok := r.refer(o, openslo.KindSLI, ref)
		if !ok {
			return pitwall.SLI{}
		}
		r.fits(o, named, goal)
		o, spec = named, named.Spec()
	}
	if spec.Get("thresholdMetric").Has() {
		return r.threshold(o, spec.Get("thresholdMetric"), goal, service)
	}
	return r.ratio(o, spec.Get("ratioMetric"), service)
}

// fits asks of an objective what depends on the indicator it refers to.
func (r *reader) fits(o, sli openslo.Object, goal openslo.Field) {
	threshold := sli.Spec().Get("thresholdMetric").Has()
	for _, name := range []string{"op", "value"} {
		f := goal.Get(name)
		switch {
		case threshold && !f.Has():
			r.wrong(o, f, "op: lt and value: 500 make values below 500 good", "%s is missing, the threshold metric of %s needs it", name, sli)
		case !threshold && f.Has():
			r.warn(o, f, "%s: it does not belong to an objective with a ratio metric", f.Path())
		}
	}
}

// source is where a metric comes from.
type source struct {
	spans bool
	query string // PromQL
	spec  openslo.Field
	from  openslo.Object
}

// source finds out who can be asked for a metric.
func (r *reader) source(o openslo.Object, metric openslo.Field) (source, bool) {
	f := metric.Get("metricSource")
	kind, ref := f.Get("type").Text(), f.Get("metricSourceRef")
	if named, ok := r.find(openslo.KindDataSource, ref.Text()); ok {
		own := named.Spec().Get("type").Text()
		if kind != "" && !strings.EqualFold(kind, own) {
			r.warn(o, f.Get("type"), "type %q is taken, although %s has type %q", kind, named, own)
		}
		if kind == "" {
			kind = own
		}
	} else if ref.Has() && kind == "" {
		r.refer(o, openslo.KindDataSource, ref)
		return source{}, false
	}
	spec := f.Get("spec")
	src := source{spec: spec, from: o, spans: kind == SpanSource}
	switch {
	case src.spans:
		return src, true
	case kind == "":
		r.wrong(o, f.Get("type"), "type: "+SpanSource+" or type: Prometheus", "type is missing")
		return src, false
	case !isProm(kind):
		r.wrong(o, f.Get("type"), fmt.Sprintf("use type: %s, or one of %s with a PromQL query; ship the data to a metrics store that speaks PromQL", SpanSource, strings.Join(promTypes(), ", ")),
			"metricSource type %q cannot be asked%s", kind, nearType(kind))
		return src, false
	}
	at := spec.Get("query")
	if !at.Has() {
		at = spec.Get("promql")
	}
	if src.query = strings.TrimSpace(at.Text()); src.query == "" {
		r.wrong(o, spec, "spec: {query: sum(rate(http_requests_total[5m]))}", "query is missing")
		return src, false
	}
	expr, err := promql.Parse(src.query)
	switch {
	case err != nil:
		r.badQuery(o, at, err)
	case expr.Range():
		r.wrong(o, at, "wrap it: rate("+src.query+")", "the PromQL is wrong: it gives stretches of samples, and no values")
	}
	return src, err == nil && !expr.Range()
}

// nearType guesses at longer words only: of three letters anything is near.
func nearType(kind string) string {
	if len(kind) < 5 {
		return ""
	}
	return strict.Nearest(kind, append(promTypes(), SpanSource))
}

func isProm(kind string) bool { return slices.Contains(promTypes(), strings.ToLower(kind)) }

// badQuery words an error of PromQL; its line and column count within the query.
func (r *reader) badQuery(o openslo.Object, at openslo.Field, err error) {
	text := err.Error()
	var syntax *promql.SyntaxError
	if errors.As(err, &syntax) {
		text = syntax.Error()
	}
	r.wrong(o, at, pitwall.HintOf(err), "the PromQL is wrong at %s", text)
}

// threshold: each value is an event, good while it keeps to the limit.
func (r *reader) threshold(o openslo.Object, metric, goal openslo.Field, service pitwall.ServiceName) pitwall.SLI {
	src, ok := r.source(o, metric)
	switch {
	case !ok:
		return pitwall.SLI{}
	case src.spans:
		r.wrong(o, metric, "count latency as ratioMetric: good with maxDuration, and total", "%s gives no values", SpanSource)
		return pitwall.SLI{}
	}
	limit, _ := goal.Get("value").Number()
	return r.counted(o, metric, pitwall.SLI{Kind: pitwall.SLIValue, Service: service,
		Query: &pitwall.SLIQuery{Value: src.query, Op: pitwall.Compare(goal.Get("op").Text()), Limit: limit}})
}

// ratio reads two of good, bad and total, or a ratio that is measured as one.
func (r *reader) ratio(o openslo.Object, f openslo.Field, service pitwall.ServiceName) pitwall.SLI {
	if f.Get("raw").Has() {
		src, ok := r.source(o, f.Get("raw"))
		if !ok || src.spans {
			if ok {
				r.wrong(o, f.Get("raw"), "give good and total", "%s gives no ratios", SpanSource)
			}
			return pitwall.SLI{}
		}
		return r.counted(o, f.Get("raw"), pitwall.SLI{Kind: pitwall.SLIRatio, Service: service,
			Query: &pitwall.SLIQuery{Ratio: src.query, RatioOfBad: f.Get("rawType").Text() == "failure"}})
	}
	name := "good"
	if !f.Get("good").Has() {
		name = "bad"
	}
	part, ok := r.source(o, f.Get(name))
	total, ok2 := r.source(o, f.Get("total"))
	switch {
	case !ok || !ok2:
		return pitwall.SLI{}
	case part.spans != total.spans:
		r.wrong(o, f, "", "%s and total are of different types", name)
		return pitwall.SLI{}
	case part.spans && name == "bad":
		r.wrong(o, f.Get("bad"), "give good and total; what fails or takes too long is bad", "%s counts good requests", SpanSource)
		return pitwall.SLI{}
	case part.spans:
		return r.spans(part, total, service)
	}
	q := &pitwall.SLIQuery{Good: part.query, Total: total.query}
	if name == "bad" {
		q = &pitwall.SLIQuery{Bad: part.query, Total: total.query}
	}
	kind := pitwall.SLIEvents
	if f.Get("counter").Has() && !f.Get("counter").Flag() && !strings.ContainsAny(part.query+total.query, "[") {
		// Not counters but readings: what they are made of cannot be summed.
		kind, q = pitwall.SLIRatio, &pitwall.SLIQuery{Ratio: "(" + part.query + ") / (" + total.query + ")", RatioOfBad: name == "bad"}
	}
	return r.counted(o, f, pitwall.SLI{Kind: kind, Service: service, Query: q})
}

// counted says at once what the collector would say later about a query.
func (r *reader) counted(o openslo.Object, at openslo.Field, sli pitwall.SLI) pitwall.SLI {
	plan, err := promql.Compile(*sli.Query, time.Minute)
	switch {
	case err != nil:
		r.badQuery(o, at, err)
	case plan.Approximate != "" && sli.Kind == pitwall.SLIEvents:
		r.warn(o, at, "%s: %s", at.Path(), plan.Approximate)
	}
	return sli
}

// spans reads good over total of server spans. Service and operation of good may
// be left out; they are those of total. No operation means every one of the service.
func (r *reader) spans(good, total source, service pitwall.ServiceName) pitwall.SLI {
	r.spanFields(good, "service", "operation", "maxDuration")
	r.spanFields(total, "service", "operation", "maxDuration")
	out := pitwall.SLI{Kind: pitwall.SLIAvailability, Service: pitwall.ServiceName(total.spec.Get("service").Text()), Operation: total.spec.Get("operation").Text()}
	if out.Service == "" {
		out.Service = service
	}
	g := good.spec
	if total.spec.Get("maxDuration").Has() {
		r.wrong(total.from, total.spec.Get("maxDuration"), "move maxDuration to good", "total counts all requests, slow ones too")
	}
	if s := g.Get("service").Text(); s != "" && s != string(out.Service) || g.Get("operation").Has() && g.Get("operation").Text() != out.Operation {
		r.wrong(good.from, g, "", "good counts %s %q but total counts %s %q; good must be a part of total", s, g.Get("operation").Text(), out.Service, out.Operation)
	}
	if !g.Get("maxDuration").Has() {
		return out
	}
	out.Kind = pitwall.SLILatency
	d, err := time.ParseDuration(g.Get("maxDuration").Text())
	if err != nil || d <= 0 {
		r.wrong(good.from, g.Get("maxDuration"), "", "maxDuration %q is not a duration such as 500ms", g.Get("maxDuration").Text())
	}
	out.Threshold = d
	return out
}

func (r *reader) spanFields(src source, names ...string) {
	for key, v := range src.spec.Pairs() {
		if !slices.Contains(names, key) {
			r.wrong(src.from, v, "known here: "+strings.Join(names, ", "), "unknown field %q%s", key, strict.Nearest(key, names))
		}
	}
}
