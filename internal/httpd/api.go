package httpd

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

// body wraps an answer the way the framework wants it.
type body[T any] struct{ Body T }

func ok[T any](v T, err error) (*body[T], error) {
	if err != nil {
		return nil, fail(err)
	}
	return &body[T]{v}, nil
}

// PlanPath is the id in the path; it is exported because the framework reads
// embedded fields only when it can see them.
type PlanPath struct {
	ID pitwall.PlanID `path:"id" maxLength:"64" doc:"such as PIP-42"`
}

// Lists in answers have a name, so that fields can be added beside them.
type (
	planList struct {
		Schema string           `json:"schema"`
		Plans  []report.PlanRow `json:"plans"`
	}
	eventList struct {
		Schema string          `json:"schema"`
		Events []pitwall.Event `json:"events"`
		Next   uint64          `json:"next" doc:"give it as after to read on"`
	}
	recordState struct {
		OK     bool   `json:"ok"`
		Events uint64 `json:"events"`
		Error  string `json:"error,omitempty"`
	}
)

// api registers every JSON operation.
func (s *server) api(a huma.API) {
	get := func(id, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodGet, Path: "/api/v1" + path, Summary: summary}
	}
	huma.Register(a, get("list-plans", "/plans", "Every plan, those that need a person first"), s.listPlans)
	view := get("view-plan", "/plans/{id}", "One plan as its page shows it; raw=1 gives the folded plan itself")
	view.Responses = map[string]*huma.Response{"200": {Description: "PlanView, or with raw=1 the plan", Content: map[string]*huma.MediaType{
		"application/json": {Schema: a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[report.PlanView](), true, "PlanView")}}}}
	huma.Register(a, view, s.viewPlan)
	huma.Register(a, get("plan-events", "/plans/{id}/events", "The recorded events of one plan"), s.planEvents)
	huma.Register(a, get("export-plan", "/plans/{id}/export", "One plan as a document: md, json or html"), s.exportPlan)
	huma.Register(a, huma.Operation{OperationID: "act-on-plan", Method: http.MethodPost, Path: "/api/v1/plans/{id}/actions", MaxBodyBytes: maxBody,
		Summary: "Do something to a plan; with dry_run only say what would happen"}, s.act)
	s.objectives(a)
	s.findings(a)
	s.diagnoses(a)
	huma.Register(a, get("status", "/status", "How everything stands, sources included"), s.status)
	huma.Register(a, get("record", "/record", "The record after a sequence number"), s.record)
	huma.Register(a, get("verify-record", "/record/verify", "Walk the whole hash chain"), s.verifyRecord)
	s.signals(a)
	huma.Register(a, get("view-trace", "/traces/{id}", "Every span of one trace"), s.trace)
}

func (s *server) listPlans(ctx context.Context, _ *struct{}) (*body[planList], error) {
	plans, err := s.Engine.Plans(ctx)
	return ok(planList{"pitwall.plans/1", report.List(plans, s.Engine.Live, s.Engine.SLOs(), s.options(plans))}, err)
}

func (s *server) viewPlan(ctx context.Context, in *struct {
	PlanPath
	Raw bool `query:"raw"`
}) (*body[any], error) {
	if in.Raw {
		p, err := s.Engine.Plan(ctx, in.ID)
		return ok[any](p, err)
	}
	v, err := s.view(ctx, in.ID)
	return ok[any](v, err)
}

func (s *server) planEvents(ctx context.Context, in *PlanPath) (*body[eventList], error) {
	p, err := s.Engine.Plan(ctx, in.ID)
	events := p.Events
	if events == nil {
		events = []pitwall.Event{}
	}
	return ok(eventList{"pitwall.events/1", events, p.Seq}, err)
}

// document is a body in a format of its own.
type document struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	CSP         string `header:"Content-Security-Policy"`
	Body        []byte
}

func (s *server) exportPlan(ctx context.Context, in *struct {
	PlanPath
	Format string `query:"format" enum:"md,json,html" default:"md"`
}) (*document, error) {
	v, err := s.view(ctx, in.ID)
	if err != nil {
		return nil, fail(err)
	}
	d := &document{Disposition: fmt.Sprintf("inline; filename=%q", string(in.ID)+"."+in.Format), CSP: documentPolicy()}
	switch in.Format {
	case "html":
		d.ContentType = "text/html; charset=utf-8"
		d.Body, err = report.HTML(v)
	case "json":
		d.ContentType = "application/json"
		d.Body, err = json.MarshalIndent(v, "", "  ")
	default:
		d.ContentType, d.Body = "text/markdown; charset=utf-8", []byte(report.Markdown(v))
	}
	if err != nil {
		return nil, fail(err)
	}
	return d, nil
}

func (s *server) act(ctx context.Context, in *struct {
	PlanPath
	Body struct {
		Action string `json:"action" enum:"approve,hold,resume,rollback,note,close"`
		By     string `json:"by" minLength:"1" maxLength:"200" doc:"who asks"`
		Reason string `json:"reason" minLength:"1" maxLength:"4000" doc:"why; it goes into the record"`
		DryRun bool   `json:"dry_run,omitempty"`
	}
}) (*body[pitwall.ActResult], error) {
	if s.ReadOnly && !in.Body.DryRun {
		return nil, fail(&pitwall.Error{Op: "acting on plan", Kind: pitwall.Denied, ID: string(in.ID), Err: fmt.Errorf("this server is read-only"), Hint: "ask whoever runs it"})
	}
	return ok(s.Engine.Act(ctx, pitwall.ActRequest{Plan: in.ID, Action: in.Body.Action, By: in.Body.By, Reason: in.Body.Reason, DryRun: in.Body.DryRun}))
}

func (s *server) status(ctx context.Context, _ *struct{}) (*body[report.StatusView], error) {
	v, err := s.statusView(ctx)
	return ok(v, err)
}

func (s *server) statusView(ctx context.Context) (report.StatusView, error) {
	rows, budgets, err := s.sloRows(ctx)
	if err != nil {
		return report.StatusView{}, err
	}
	plans, err := s.Engine.Plans(ctx)
	if err != nil {
		return report.StatusView{}, err
	}
	o := s.options(plans)
	return report.Status(report.List(plans, s.Engine.Live, s.Engine.SLOs(), o), rows, budgets, s.Engine.Health(), o), nil
}

func (s *server) record(ctx context.Context, in *struct {
	After uint64 `query:"after"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}) (*body[eventList], error) {
	events, err := s.Engine.Events(ctx, in.After, in.Limit)
	if events == nil {
		events = []pitwall.Event{}
	}
	next := in.After
	if n := len(events); n > 0 {
		next = events[n-1].Seq
	}
	return ok(eventList{"pitwall.events/1", events, next}, err)
}

// verifyRecord answers 200 also for a broken chain: the question was answered.
func (s *server) verifyRecord(ctx context.Context, _ *struct{}) (*body[recordState], error) {
	n, err := s.Engine.VerifyRecord(ctx)
	if pitwall.KindOf(err) == pitwall.Unavailable {
		return nil, fail(err)
	}
	v := recordState{OK: err == nil, Events: n}
	if err != nil {
		v.Error = err.Error()
	}
	return ok(v, nil)
}

// spanView is one span for programs.
type spanView struct {
	SpanID    string            `json:"span_id"`
	ParentID  string            `json:"parent_id,omitempty"`
	Start     time.Time         `json:"start"`
	Seconds   float64           `json:"duration_s"`
	Service   string            `json:"service"`
	Version   string            `json:"version,omitempty"`
	Operation string            `json:"operation"`
	Kind      pitwall.SpanKind  `json:"kind" doc:"OTLP number: 1 internal, 2 server, 3 client, 4 producer, 5 consumer"`
	Peer      string            `json:"peer,omitempty"`
	Statement string            `json:"statement,omitempty"`
	Failed    bool              `json:"failed"`
	ReqBytes  int64             `json:"request_bytes" doc:"-1: unknown"`
	RespBytes int64             `json:"response_bytes" doc:"-1: unknown"`
	Attrs     map[string]string `json:"attributes,omitempty"`
}

type traceView struct {
	Schema  string     `json:"schema"`
	TraceID string     `json:"trace_id"`
	Spans   []spanView `json:"spans"`
}

func (s *server) trace(ctx context.Context, in *struct {
	ID string `path:"id" doc:"32 hexadecimal digits"`
}) (*body[traceView], error) {
	raw, err := hex.DecodeString(in.ID)
	var id pitwall.TraceID
	if err != nil || len(raw) != len(id) {
		return nil, fail(&pitwall.Error{Op: "reading trace", Kind: pitwall.Invalid, ID: in.ID, Err: fmt.Errorf("a trace id has 32 hexadecimal digits")})
	}
	copy(id[:], raw)
	b, err := s.Engine.Trace(ctx, id)
	if err != nil {
		return nil, fail(err)
	}
	v := traceView{Schema: "pitwall.trace/1", TraceID: in.ID, Spans: []spanView{}}
	for i := range b.Len() {
		v.Spans = append(v.Spans, viewSpan(b.Row(i)))
	}
	return ok(v, nil)
}

func viewSpan(r pitwall.SpanRow) spanView {
	v := spanView{SpanID: fmt.Sprintf("%016x", r.SpanID), Start: r.Start.UTC(), Seconds: r.Duration.Seconds(),
		Service: string(r.Service), Version: string(r.Version), Operation: r.Operation, Kind: r.Kind, Peer: r.Peer,
		Statement: r.Statement, Failed: r.Failed, ReqBytes: r.ReqBytes, RespBytes: r.RespBytes}
	if r.ParentID != 0 {
		v.ParentID = fmt.Sprintf("%016x", r.ParentID)
	}
	for _, a := range r.Attrs {
		if v.Attrs == nil {
			v.Attrs = map[string]string{}
		}
		v.Attrs[a.Key] = a.Value
	}
	return v
}
