package httpd

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

// Signals are the stores whose content can be asked for beside the plans. A nil
// one answers "not here".
type Signals struct {
	Spans      pitwall.SpanReader
	Operations pitwall.OperationReader
	// MergedProfile gives all profiles of a query as one gzipped pprof; nil: there
	// is none.
	MergedProfile func(context.Context, pitwall.ProfileQuery) ([]byte, error)
	Logs          pitwall.LogReader
	// LogContrast says which patterns are new, grew, shrank or vanished from one
	// period to the next; the query is asked for both.
	LogContrast func(ctx context.Context, q pitwall.LogQuery, before, after pitwall.Period) (any, error)
	Alerts      pitwall.AlertLog
	Changes     pitwall.ChangeLog
	KPIs        func(context.Context) []pitwall.KPIReading
	Settings    func() []Setting
	Version     string // of this Pitwall
	// Journeys says how the synthetic journeys stand.
	Journeys func() any
	// Telemetry says what can be seen and what cannot.
	Telemetry func(context.Context) (pitwall.Telemetry, error)
}

// Setting is one value of the configuration, with where it came from. Secrets
// are only ever named by their files.
type Setting struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

// OperationRow is what the spans of one operation add up to, with quantiles.
type OperationRow struct {
	pitwall.OperationTotals
	P50 float64 `json:"p50_s"`
	P95 float64 `json:"p95_s"`
	P99 float64 `json:"p99_s"`
}

// LogRow is a log record with its ids in hex.
type LogRow struct {
	pitwall.LogRecord
	TraceID string `json:"trace_id,omitempty"`
	SpanID  string `json:"span_id,omitempty"`
}

type (
	operationList struct {
		Schema     string         `json:"schema"`
		Period     pitwall.Period `json:"period"`
		Operations []OperationRow `json:"operations"`
	}
	logList struct {
		Schema  string         `json:"schema"`
		Period  pitwall.Period `json:"period"`
		Records []LogRow       `json:"records"`
	}
	patternList struct {
		Schema   string               `json:"schema"`
		Period   pitwall.Period       `json:"period"`
		Patterns []pitwall.LogPattern `json:"patterns"`
	}
	contrastList struct {
		Schema  string         `json:"schema"`
		Before  pitwall.Period `json:"before"`
		After   pitwall.Period `json:"after"`
		Changes any            `json:"changes"`
	}
	changeList struct {
		Schema  string           `json:"schema"`
		Period  pitwall.Period   `json:"period"`
		Changes []pitwall.Change `json:"changes"`
	}
	alertList struct {
		Schema string          `json:"schema"`
		Period pitwall.Period  `json:"period"`
		Alerts []pitwall.Alert `json:"alerts"`
	}
	kpiList struct {
		Schema   string               `json:"schema"`
		Rows     []report.KPIRow      `json:"rows"`
		Readings []pitwall.KPIReading `json:"readings"`
	}
	journeyList struct {
		Schema   string `json:"schema"`
		Journeys any    `json:"journeys"`
	}
	settingList struct {
		Schema  string    `json:"schema"`
		Version string    `json:"version,omitempty"`
		Keys    []Setting `json:"keys"`
	}
)

// PeriodQuery is a period in the query of an address; it is exported because the
// framework reads embedded fields only when it can see them.
type PeriodQuery struct {
	From  time.Time `query:"from" doc:"RFC 3339; by default to minus since"`
	To    time.Time `query:"to" doc:"RFC 3339; by default now"`
	Since string    `query:"since" doc:"length of the period when from is not given, such as 15m or 7d; by default 1h"`
}

func (q PeriodQuery) period(now time.Time) (pitwall.Period, error) {
	p := pitwall.Period{From: q.From, To: q.To}
	if p.To.IsZero() {
		p.To = now
	}
	if p.From.IsZero() {
		d, err := length(cmp.Or(q.Since, "1h"))
		if err != nil || d <= 0 {
			return p, pitwall.Errorf(pitwall.Invalid, "reading since", "%q is no length of time such as 15m, 2h or 7d", q.Since)
		}
		p.From = p.To.Add(-d)
	}
	if !p.From.Before(p.To) {
		return p, pitwall.Errorf(pitwall.Invalid, "reading period", "from %s does not come before to %s", p.From.Format(time.RFC3339), p.To.Format(time.RFC3339))
	}
	return p, nil
}

// length reads a length of time as the configuration writes it: 15m, 7d, 1d12h.
func length(text string) (time.Duration, error) {
	head, rest, days := strings.Cut(text, "d")
	if !days {
		return time.ParseDuration(text)
	}
	whole, err := strconv.ParseUint(head, 10, 16)
	if err != nil {
		return 0, err
	}
	part, err := time.ParseDuration(cmp.Or(rest, "0s"))
	return time.Duration(whole)*24*time.Hour + part, err
}

func (s *server) signals(a huma.API) {
	get := func(id, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: "GET", Path: "/api/v1" + path, Summary: summary}
	}
	huma.Register(a, get("list-operations", "/operations", "What the spans of a period add up to, the most time first"), s.operations)
	huma.Register(a, get("find-spans", "/spans", "Spans by service, operation, attribute, duration and failure"), s.spans)
	huma.Register(a, get("merge-profiles", "/profiles/merged", "All profiles of a service in a period as one pprof; go tool pprof reads it from here"), s.mergedProfile)
	huma.Register(a, get("list-logs", "/logs", "Log records, newest first"), s.logs)
	huma.Register(a, get("list-log-patterns", "/logs/patterns", "Log records counted by pattern, the most frequent first"), s.logPatterns)
	huma.Register(a, get("contrast-logs", "/logs/contrast", "Which patterns are new, grew or vanished since a moment"), s.logContrast)
	huma.Register(a, get("list-changes", "/changes", "What happened to the world"), s.changes)
	huma.Register(a, get("list-alerts", "/alerts", "What other alerting systems said"), s.alerts)
	huma.Register(a, get("list-kpis", "/kpis", "Business numbers of the last 15 minutes beside those of the day before"), s.kpis)
	s.seeing(a)
	huma.Register(a, get("list-journeys", "/synthetics", "The synthetic journeys, with their last run"), s.journeys)
	huma.Register(a, get("view-config", "/config", "The configuration in effect, with where each value came from"), s.settings)
}

func absent(op, hint string) error {
	return fail(&pitwall.Error{Op: op, Kind: pitwall.NotFound, Err: fmt.Errorf("this Pitwall has none"), Hint: hint})
}

func (s *server) operations(ctx context.Context, in *struct {
	PeriodQuery
	Service   pitwall.ServiceName `query:"service"`
	Version   pitwall.Version     `query:"version"`
	Operation string              `query:"operation"`
	Limit     int                 `query:"limit" minimum:"1" maximum:"10000" default:"200"`
}) (*body[operationList], error) {
	if s.Signals.Operations == nil {
		return nil, absent("reading operations", "traces are read from elsewhere; ask there")
	}
	p, err := in.period(s.Now())
	if err != nil {
		return nil, fail(err)
	}
	totals, err := s.Signals.Operations.Operations(ctx, pitwall.OperationQuery{Period: p, Service: in.Service, Version: in.Version, Operation: in.Operation})
	if err != nil {
		return nil, fail(err)
	}
	list := operationList{"pitwall.operations/1", p, []OperationRow{}}
	for _, t := range totals[:min(len(totals), in.Limit)] {
		row := OperationRow{OperationTotals: t}
		for q, into := range map[float64]*float64{0.5: &row.P50, 0.95: &row.P95, 0.99: &row.P99} {
			d, _ := t.Latency.Quantile(q)
			*into = d.Seconds()
		}
		list.Operations = append(list.Operations, row)
	}
	return ok(list, nil)
}

func (s *server) changes(ctx context.Context, in *struct {
	PeriodQuery
	Service pitwall.ServiceName `query:"service"`
}) (*body[changeList], error) {
	if s.Signals.Changes == nil {
		return nil, absent("reading changes", "")
	}
	p, err := in.period(s.Now())
	if err != nil {
		return nil, fail(err)
	}
	changes, err := s.Signals.Changes.Changes(ctx, p)
	list := changeList{"pitwall.changes/1", p, []pitwall.Change{}}
	for _, c := range changes {
		if in.Service == "" || c.Service == in.Service {
			list.Changes = append(list.Changes, c)
		}
	}
	return ok(list, err)
}

func (s *server) alerts(ctx context.Context, in *PeriodQuery) (*body[alertList], error) {
	if s.Signals.Alerts == nil {
		return nil, absent("reading alerts", "point Alertmanager at it: docs/howto/change-webhooks.md")
	}
	p, err := in.period(s.Now())
	if err != nil {
		return nil, fail(err)
	}
	alerts, err := s.Signals.Alerts.Alerts(ctx, p)
	if alerts == nil {
		alerts = []pitwall.Alert{}
	}
	return ok(alertList{"pitwall.alerts/1", p, alerts}, err)
}

func (s *server) kpis(ctx context.Context, _ *struct{}) (*body[kpiList], error) {
	list := kpiList{"pitwall.kpis/1", []report.KPIRow{}, []pitwall.KPIReading{}}
	if s.Signals.KPIs != nil {
		list.Readings = append(list.Readings, s.Signals.KPIs(ctx)...)
		list.Rows = report.KPIs(list.Readings)
	}
	return ok(list, nil)
}

func (s *server) settings(context.Context, *struct{}) (*body[settingList], error) {
	list := settingList{Schema: "pitwall.config/1", Version: s.Signals.Version, Keys: []Setting{}}
	if s.Signals.Settings != nil {
		list.Keys = s.Signals.Settings()
	}
	return ok(list, nil)
}

func (s *server) journeys(context.Context, *struct{}) (*body[journeyList], error) {
	list := journeyList{"pitwall.synthetics/1", []struct{}{}}
	if s.Signals.Journeys != nil {
		list.Journeys = s.Signals.Journeys()
	}
	return ok(list, nil)
}
