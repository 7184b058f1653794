package tempo

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// plainKey is an attribute name that TraceQL takes without quotes.
var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`) // read-only

// traceQL words what can be said of a query; Answer chooses the rest.
func traceQL(q pitwall.SpanQuery, atLeast time.Duration) string {
	var and []string
	is := func(field, value string) {
		if value != "" && !strings.HasSuffix(value, "…") { // cut here, so not what the server has
			and = append(and, field+" = "+strconv.Quote(value))
		}
	}
	if q.Service != "unknown_service" { // our word for none
		is("resource.service.name", string(q.Service))
	}
	is("resource.service.version", string(q.Version))
	is("name", q.Operation)
	if d := max(atLeast, q.MinDuration); d > 0 {
		and = append(and, "duration >= "+strconv.FormatInt(int64(d), 10)+"ns")
	}
	if q.Failed {
		and = append(and, "(status = error || kind = server && (span.http.response.status_code >= 500 || span.http.status_code >= 500))")
	}
	for _, a := range q.Attrs {
		if c := carries(a); c != "" {
			and = append(and, c)
		}
	}
	return "{ " + strings.Join(and, " && ") + " }"
}

// carries words that a span has an attribute, whatever its type: "200" may be
// text or a number.
func carries(a pitwall.Attr) string {
	switch {
	case a.Key == "otel.status_description", a.Key == "exception.type":
		return "" // no attributes of the span where it comes from
	case !plainKey.MatchString(a.Key), strings.HasSuffix(a.Value, "…"):
		return ""
	}
	if strings.HasPrefix(a.Value, "[") || strings.HasPrefix(a.Value, "{") {
		return "." + a.Key + " != nil" // may be text or a list written as text
	}
	text := "." + a.Key + " = " + strconv.Quote(a.Value)
	if _, err := strconv.ParseFloat(a.Value, 64); err == nil && number.MatchString(a.Value) || a.Value == "true" || a.Value == "false" {
		return "(" + text + " || ." + a.Key + " = " + a.Value + ")"
	}
	return text
}

// number is what TraceQL reads as one.
var number = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,15})?$`) // read-only
