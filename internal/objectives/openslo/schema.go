package openslo

import "sync"

// schema lists what the versions consist of; it is read-only.
var schema = sync.OnceValue(func() map[string]map[string]*shape {
	return map[string]map[string]*shape{V1: v1(), V1alpha: v1alpha(), V2alpha: v2alpha()}
})

// top is what every object starts with.
func top(metadata *shape, spec member) *shape {
	return object(nil, must("apiVersion", text()), must("kind", text()), must("metadata", metadata), spec)
}

func description() member { return may("description", text(atMost(maxDescription))) }

func metadata(name Grade) *shape {
	return object(nil,
		must("name", text(notEmpty, dnsLabel(name))),
		may("displayName", text(atMost(maxDisplayName))),
		may("labels", mapOf(labelled(), keys(labelKey, "made of at most 63 letters, digits, dots, dashes and underscores"))),
		may("annotations", mapOf(text(), keys(qualifiedName, "a name such as example.com/key"))))
}

func v1() map[string]*shape {
	words := sliWords{inline: "indicator", ref: "indicatorRef", service: "service", metadata: metadata(Tolerated), spec: sli(metricV1())}
	return map[string]*shape{
		KindSLO:                top(metadata(Invalid), must("spec", slo(words))),
		KindSLI:                top(metadata(Tolerated), must("spec", words.spec)),
		KindService:            top(metadata(Tolerated), may("spec", object(nil, description()))),
		KindDataSource:         top(metadata(Tolerated), must("spec", dataSource())),
		KindPolicy:             top(metadata(Tolerated), must("spec", policy(metadata(Tolerated)))),
		KindCondition:          top(metadata(Tolerated), must("spec", condition())),
		KindNotificationTarget: top(metadata(Tolerated), must("spec", notificationTarget())),
	}
}

func metadataV2alpha(name Grade) *shape {
	return object(nil,
		must("name", text(notEmpty, dnsLabel(name))),
		may("labels", mapOf(text(matches(labelValue, "made of at most 63 lower-case letters, digits, dots, dashes and underscores")), keys(qualifiedName, "a name such as example.com/key"))),
		may("annotations", mapOf(text(), keys(qualifiedName, "a name such as example.com/key"))))
}

func v2alpha() map[string]*shape {
	words := sliWords{inline: "sli", ref: "sliRef", service: "serviceRef", metadata: metadataV2alpha(Tolerated), spec: sli(metricV2alpha())}
	plain := metadataV2alpha(Tolerated)
	return map[string]*shape{
		KindSLO:                top(metadataV2alpha(Invalid), must("spec", slo(words))),
		KindSLI:                top(plain, must("spec", words.spec)),
		KindService:            top(plain, may("spec", object(nil, description()))),
		KindDataSource:         top(plain, must("spec", dataSource())),
		KindPolicy:             top(plain, must("spec", policy(plain))),
		KindCondition:          top(plain, must("spec", condition())),
		KindNotificationTarget: top(plain, must("spec", notificationTarget())),
	}
}

// dataSource demands connectionDetails to be written, with a value or without:
// the reference sees no difference, and Pitwall does not look inside.
func dataSource() *shape {
	return object([]rule{func(c *checker, f Field) {
		if v := f.Get("connectionDetails"); !v.Written() {
			c.add(Tolerated, v, "", "connectionDetails is missing")
		}
	}}, description(), must("type", text(notEmpty)), may("connectionDetails", free()))
}

func metricV1() *shape {
	source := object(nil,
		may("metricSourceRef", text(dnsLabel(Tolerated))),
		may("type", text()),
		must("spec", mapOf(free(), filled)))
	return object(nil, must("metricSource", source))
}

func metricV2alpha() *shape {
	return object([]rule{exactlyOne("dataSourceRef", "dataSourceSpec")},
		may("dataSourceRef", text(dnsLabel(Tolerated))),
		may("dataSourceSpec", dataSource()),
		may("spec", mapOf(free())))
}

// filled wants something in a source's spec; spans need nothing but the service
// of the objective, and a source that needs more is asked for it later.
func filled(c *checker, f Field) {
	if len(f.node.Content) == 0 {
		c.add(Tolerated, f, "", "%s is empty", last(f.path))
	}
}

func sli(metric *shape) *shape {
	ratio := object([]rule{ratioParts},
		may("counter", flag()), may("good", metric), may("bad", metric), may("total", metric),
		may("rawType", text(oneOf("success", "failure"))), may("raw", metric))
	return object([]rule{exactlyOne("thresholdMetric", "ratioMetric")}, description(), may("thresholdMetric", metric), may("ratioMetric", ratio))
}

// ratioParts: total with good or bad, or raw with rawType.
func ratioParts(c *checker, f Field) {
	good, bad, total, raw := f.Get("good"), f.Get("bad"), f.Get("total"), f.Get("raw")
	switch {
	case raw.Has() && (total.Has() || good.Has() || bad.Has()):
		c.add(Invalid, raw, "keep raw, or total with good or bad", "raw is a ratio already and stands beside good, bad or total")
	case raw.Has() && !f.Get("rawType").Has():
		c.add(Invalid, f.Get("rawType"), "rawType: success if raw is good/total, failure if it is bad/total", "rawType is missing")
	case raw.Has():
	case !total.Has():
		c.add(Invalid, f, "give ratioMetric.good and ratioMetric.total", "total or raw is missing")
	case !good.Has() && !bad.Has():
		c.add(Invalid, f, "give ratioMetric.good and ratioMetric.total", "good or bad is missing")
	}
}

// sliWords are the names by which the versions call an indicator.
type sliWords struct {
	inline, ref, service string
	metadata, spec       *shape
}

func (w sliWords) fields() []member {
	return []member{
		may(w.inline, object(nil, ought("metadata", w.metadata), must("spec", w.spec))),
		may(w.ref, text(dnsLabel(Tolerated))),
	}
}

func slo(w sliWords) *shape {
	window := object([]rule{rollingOrCalendar(Invalid)}, must("duration", duration()), may("isRolling", flag()), may("calendar", calendar()))
	goal := append([]member{
		may("displayName", text()), may("op", operator()), may("value", number()), may("target", number(target)), may("targetPercent", number(targetPercent)),
		may("timeSliceTarget", number()), may("timeSliceWindow", duration()), may("compositeWeight", number()),
	}, w.fields()...)
	fields := append([]member{description(), must(w.service, text(notEmpty))}, w.fields()...)
	fields = append(fields,
		ought("budgetingMethod", text(oneOf("Occurrences", "Timeslices", "RatioTimeslices"))),
		may("timeWindow", list(window)),
		may("objectives", list(object([]rule{exactlyOne("target", "targetPercent")}, goal...))),
		may("alertPolicies", list(inlineOr("alertPolicyRef", KindPolicy, w.metadata, policy(w.metadata)))))
	return object([]rule{w.indicated, oneWindow("timeWindow"), someObjectives, w.goals, sliced}, fields...)
}

// inlineOr is an object of another kind, or a reference to one.
func inlineOr(ref, kind string, metadata, spec *shape) *shape {
	either := func(c *checker, f Field) {
		inline := f.Get("kind").Has() || f.Get("metadata").Has() || f.Get("spec").Has()
		switch {
		case inline && f.Get(ref).Has():
			c.add(Invalid, f, "keep one of them", "both %s and an object are given", ref)
		case !inline && !f.Get(ref).Has():
			c.add(Invalid, f, "", "%s is missing", ref)
		case inline:
			for _, name := range []string{"kind", "metadata", "spec"} {
				if !f.Get(name).Has() {
					c.add(Invalid, f.Get(name), "", "%s is missing", name)
				}
			}
		}
	}
	return object([]rule{either}, may("kind", text(oneOf(kind))), may("metadata", metadata), may("spec", spec), may(ref, text(dnsLabel(Tolerated))))
}

func policy(metadata *shape) *shape {
	counts := func(c *checker, f Field) {
		if n := len(f.Get("conditions").Items()); n != 1 {
			c.add(Tolerated, f.Get("conditions"), "Pitwall takes each condition as a tier", "conditions has %d entries, the format wants exactly one", n)
		}
		if len(f.Get("notificationTargets").Items()) == 0 {
			c.add(Tolerated, f.Get("notificationTargets"), "", "notificationTargets needs at least one entry")
		}
	}
	return object([]rule{counts}, description(),
		may("alertWhenNoData", flag()), may("alertWhenBreaching", flag()), may("alertWhenResolved", flag()),
		may("conditions", list(inlineOr("conditionRef", KindCondition, metadata, condition()))),
		may("notificationTargets", list(inlineOr("targetRef", KindNotificationTarget, metadata, notificationTarget()))))
}

func condition() *shape {
	burn := object(nil,
		must("kind", text(notEmpty, oneOf("burnrate"))), must("op", operator()), must("threshold", number()),
		must("lookbackWindow", duration()), may("alertAfter", duration()))
	return object(nil, description(), must("severity", text(notEmpty)), must("condition", burn))
}

func notificationTarget() *shape {
	return object(nil, ought("target", text()), description())
}
