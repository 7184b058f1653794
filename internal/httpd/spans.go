package httpd

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// foundSpan is a span with the trace it belongs to.
type foundSpan struct {
	TraceID string `json:"trace_id"`
	spanView
}

type spanList struct {
	Schema string         `json:"schema"`
	Period pitwall.Period `json:"period"`
	Spans  []foundSpan    `json:"spans"`
}

// spans finds spans; a limit keeps them spread evenly over the period.
func (s *server) spans(ctx context.Context, in *struct {
	PeriodQuery
	Service   pitwall.ServiceName `query:"service"`
	Version   pitwall.Version     `query:"version"`
	Operation string              `query:"operation"`
	Attrs     []string            `query:"attr,explode" doc:"key=value; several must all be carried"`
	Slower    string              `query:"slower" doc:"at least this long, such as 500ms"`
	Failed    bool                `query:"failed"`
	Limit     int                 `query:"limit" minimum:"1" maximum:"10000" default:"100"`
}) (*body[spanList], error) {
	if s.Signals.Spans == nil {
		return nil, absent("reading spans", "")
	}
	p, err := in.period(s.Now())
	if err != nil {
		return nil, fail(err)
	}
	q := pitwall.SpanQuery{Period: p, Service: in.Service, Version: in.Version, Operation: in.Operation, Failed: in.Failed, Limit: in.Limit}
	for _, a := range in.Attrs {
		key, value, both := strings.Cut(a, "=")
		if !both || key == "" {
			return nil, fail(pitwall.Errorf(pitwall.Invalid, "reading attr", "%q is not key=value", a))
		}
		q.Attrs = append(q.Attrs, pitwall.Attr{Key: key, Value: value})
	}
	if in.Slower != "" {
		if q.MinDuration, err = time.ParseDuration(in.Slower); err != nil || q.MinDuration < 0 {
			return nil, fail(pitwall.Errorf(pitwall.Invalid, "reading slower", "%q is no length of time such as 500ms", in.Slower))
		}
	}
	b, err := s.Signals.Spans.Spans(ctx, q)
	if err != nil {
		return nil, fail(err)
	}
	list := spanList{"pitwall.spans/1", p, []foundSpan{}}
	for i := range b.Len() {
		list.Spans = append(list.Spans, foundSpan{hex.EncodeToString(b.TraceID[i][:]), viewSpan(b.Row(i))})
	}
	return ok(list, nil)
}

// mergedProfile answers with all profiles of a service in a period as one, in
// the form that go tool pprof reads straight from the address.
func (s *server) mergedProfile(ctx context.Context, in *struct {
	PeriodQuery
	Service pitwall.ServiceName `query:"service" required:"true" minLength:"1"`
	Version pitwall.Version     `query:"version"`
	Type    pitwall.ProfileType `query:"type" default:"cpu" enum:"cpu,alloc,heap,mutex,block,goroutine"`
}) (*document, error) {
	if s.Signals.MergedProfile == nil {
		return nil, absent("merging profiles", "")
	}
	p, err := in.period(s.Now())
	if err != nil {
		return nil, fail(err)
	}
	data, err := s.Signals.MergedProfile(ctx, pitwall.ProfileQuery{Period: p, Service: in.Service, Version: in.Version, Type: in.Type})
	if err != nil {
		return nil, fail(err)
	}
	if data == nil {
		return nil, fail(&pitwall.Error{Op: "merging profiles", Kind: pitwall.NotFound, ID: string(in.Service),
			Err: fmt.Errorf("no %s profile between %s and %s", in.Type, p.From.Format(time.RFC3339), p.To.Format(time.RFC3339)), Hint: "pitwall doctor says which profiles come in"})
	}
	return &document{ContentType: "application/octet-stream", Disposition: fmt.Sprintf("attachment; filename=%q", string(in.Service)+"-"+string(in.Type)+".pb.gz"),
		CSP: documentPolicy(), Body: data}, nil
}
