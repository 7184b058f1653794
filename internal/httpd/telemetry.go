package httpd

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

type (
	// telemetryBody is what is seen, as numbers and beside them in words.
	telemetryBody struct {
		Schema string `json:"schema"`
		pitwall.Telemetry
		View report.TelemetryView `json:"view"`
	}
	sourceList struct {
		Schema  string             `json:"schema"`
		Sources []report.SourceRow `json:"sources"`
	}
)

// seeing registers what tells of the telemetry itself.
func (s *server) seeing(a huma.API) {
	get := func(id, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: "GET", Path: "/api/v1" + path, Summary: summary}
	}
	huma.Register(a, get("view-telemetry", "/telemetry", "What can be seen and changed, and what cannot, the worst first"), s.telemetry)
	huma.Register(a, get("list-sources", "/sources", "Every source with its health, its lag, and what is not seen without it"), s.sources)
}

func (s *server) telemetry(ctx context.Context, _ *struct{}) (*body[telemetryBody], error) {
	if s.Signals.Telemetry == nil {
		return nil, absent("reading telemetry", "GET /api/v1/sources")
	}
	t, err := s.Signals.Telemetry(ctx)
	if err != nil {
		return nil, fail(err)
	}
	return ok(telemetryBody{"pitwall.telemetry/1", t, report.Telemetry(t, s.options(nil))}, nil)
}

func (s *server) sources(context.Context, *struct{}) (*body[sourceList], error) {
	return ok(sourceList{"pitwall.sources/1", report.Sources(s.Engine.Health(), s.options(nil))}, nil)
}
