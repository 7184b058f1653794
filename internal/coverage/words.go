package coverage

import (
	"fmt"
	"strings"

	"github.com/pitwall/pitwall"
)

// means says what follows from a drift.
func (c comparison) means(d pitwall.Drift) string {
	since := "with " + string(c.To)
	switch d.Kind {
	case OperationGone:
		for p := range c.before.counts {
			if p.words() != d.What {
				continue
			}
			switch {
			case serves(p.kind):
				return fmt.Sprintf("latency and errors of %s cannot be judged any more: its spans stopped %s, or nobody calls it", d.What, since)
			case p.kind == pitwall.SpanClient:
				return fmt.Sprintf("how long %s waits for %s cannot be told any more: those spans stopped %s, or it does not call it", c.Service, d.What, since)
			}
		}
		return fmt.Sprintf("the time in %s cannot be told from the rest any more: its spans stopped %s, or it is not done any more", d.What, since)
	case ContextLost:
		return fmt.Sprintf("%s do not lead to their callers any more: a slow request ends where the trace breaks, %s", d.What, since)
	case AttributeGone:
		key, _, _ := strings.Cut(d.What, " of ")
		return what(key) + ": the attribute is missing " + since
	case MetricGone:
		return fmt.Sprintf("rules, KPIs and checks that read %s see nothing: it stopped %s", d.What, since)
	case FewerSpans:
		return fmt.Sprintf("less of %s can be seen: part of its spans stopped %s, or it does less", d.What, since)
	case MoreSpans:
		return fmt.Sprintf("each %s leaves more spans to keep: it is told in more detail %s, or it does more", d.What, since)
	}
	return ""
}

// what a missing attribute leaves unknown.
func what(key string) string {
	switch key {
	case attrStatement:
		return "a query in a loop or a slow query cannot be named any more"
	case attrPeer:
		return "whom it calls cannot be told any more"
	case attrReqBytes, attrRespBytes:
		return "an answer that grew cannot be told any more"
	case "http.response.status_code":
		return "kinds of failure cannot be told apart any more"
	case "http.route", "http.request.method":
		return "requests cannot be told apart by route any more"
	}
	return "requests cannot be told apart by " + key + " any more"
}
