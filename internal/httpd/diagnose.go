package httpd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

// AskDiagnosis is a question that a person asks by hand: did this get worse, and
// why? Both periods are set, the baseline ends before the window begins.
type AskDiagnosis struct {
	Service   pitwall.ServiceName
	Operation string         // empty: all of the service
	Signal    pitwall.Signal // latency, errors, or any
	Window    pitwall.Period // to be explained
	Baseline  pitwall.Period // to be taken as normal
	// Say tells what is being done, for people who wait: "reading the spans of
	// the baseline". It may be called often and returns at once.
	Say func(words string)
}

// Diagnosing answers questions asked by hand. A nil Ask answers "not here".
type Diagnosing struct {
	// Ask works until it knows, or ctx is done; nobody waits any more then.
	Ask func(ctx context.Context, q AskDiagnosis) (pitwall.Diagnosis, error)
}

// What may be asked about: on less the clocks of two services differ, longer has
// no answer in time. Whether a short one holds enough requests is for the
// diagnosis to say: what it answered for a plan can be asked again.
const (
	shortestAsked = time.Second
	longestAsked  = 6 * time.Hour
	lengthAsked   = "1 s to 6 h" // the same in words
)

// DiagnoseQuery is a question in the query of an address; it is exported because
// the framework reads embedded fields only when it can see them.
type DiagnoseQuery struct {
	PeriodQuery
	Service      pitwall.ServiceName `query:"service" maxLength:"200" doc:"required; what is asked about"`
	Operation    string              `query:"operation" maxLength:"500" doc:"by default all of the service"`
	Signal       pitwall.Signal      `query:"signal" enum:"latency,errors,any" default:"any"`
	BaselineFrom time.Time           `query:"baseline_from" doc:"RFC 3339; by default as long before the window as it lasts"`
	BaselineTo   time.Time           `query:"baseline_to" doc:"RFC 3339; by default where the window begins"`
}

// DiagnoseBody is the same question as a body.
type DiagnoseBody struct {
	Service      pitwall.ServiceName `json:"service" maxLength:"200"`
	Operation    string              `json:"operation,omitempty" maxLength:"500"`
	Signal       pitwall.Signal      `json:"signal,omitempty" enum:"latency,errors,any" default:"any"`
	From         time.Time           `json:"from,omitzero"`
	To           time.Time           `json:"to,omitzero"`
	Since        string              `json:"since,omitempty"`
	BaselineFrom time.Time           `json:"baseline_from,omitzero"`
	BaselineTo   time.Time           `json:"baseline_to,omitzero"`
}

// question checks what is asked and fills in the periods that were left out.
func (q DiagnoseQuery) question(now time.Time) (AskDiagnosis, error) {
	wrong := func(hint, format string, args ...any) (AskDiagnosis, error) {
		return AskDiagnosis{}, &pitwall.Error{Op: "asking for a diagnosis", Kind: pitwall.Invalid, ID: string(q.Service), Err: fmt.Errorf(format, args...), Hint: hint}
	}
	if q.Service == "" {
		return wrong("?service=checkout&from=2026-03-02T14:05:00Z&to=2026-03-02T14:20:00Z", "it does not say of which service")
	}
	switch q.Signal = cmp.Or(q.Signal, pitwall.SignalAny); q.Signal {
	case pitwall.SignalAny, pitwall.SignalLatency, pitwall.SignalErrors:
	default:
		return wrong("say latency, errors or any", "%q is no signal: there are latency, errors and any", q.Signal)
	}
	p, err := q.period(now.Truncate(time.Second))
	if err != nil {
		return AskDiagnosis{}, err
	}
	b := pitwall.Period{From: q.BaselineFrom, To: q.BaselineTo}
	if b.To.IsZero() {
		b.To = p.From
	}
	if b.From.IsZero() {
		b.From = b.To.Add(-p.Duration())
	}
	switch {
	case p.To.After(now):
		return wrong("end it now or earlier", "the window reaches into the future")
	case !b.From.Before(b.To):
		return wrong("begin the baseline before it ends", "the baseline ends before it begins")
	case b.To.After(p.From):
		return wrong("end the baseline at "+p.From.UTC().Format(time.RFC3339)+" or earlier", "the baseline must end before the window begins")
	}
	for _, x := range []pitwall.Period{p, b} {
		if d := x.Duration(); d < shortestAsked || d > longestAsked {
			return wrong("choose "+lengthAsked, "%s is no length to compare: it must be %s", report.Span(d), lengthAsked)
		}
	}
	return AskDiagnosis{Service: q.Service, Operation: q.Operation, Signal: q.Signal, Window: p, Baseline: b}, nil
}

// progress is how far a question is.
type progress struct {
	Schema string    `json:"schema"`
	State  string    `json:"state" doc:"running, waiting (for others to be answered) or none"`
	Text   string    `json:"text" doc:"what is being done"`
	Since  time.Time `json:"since,omitzero"`
}

func (s *server) diagnoses(a huma.API) {
	op := func(method, id, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Summary: summary, MaxBodyBytes: maxBody}
	}
	get := func(id, path, summary string) huma.Operation { return op(http.MethodGet, id, path, summary) }
	huma.Register(a, get("view-diagnosis", "/plans/{id}/diagnosis", "The diagnosis of a plan as its page shows it"), s.viewDiagnosis)
	huma.Register(a, get("export-diagnosis", "/plans/{id}/diagnosis/export", "The diagnosis of a plan as a document: md, json or html"), s.exportDiagnosis)
	ask := get("diagnose", "/diagnose", "Did a service get worse in a period, and why? It takes seconds; whoever hangs up stops it; raw=1 gives the diagnosis itself")
	ask.Responses = map[string]*huma.Response{"200": {Description: "DiagnosisView, or with raw=1 the diagnosis", Content: map[string]*huma.MediaType{
		"application/json": {Schema: a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[report.DiagnosisView](), true, "DiagnosisView")}}}}
	huma.Register(a, ask, s.diagnose)
	huma.Register(a, op(http.MethodPost, "diagnose-body", "/diagnose", "The same with the question as a body"), s.diagnoseBody)
	huma.Register(a, get("export-asked", "/diagnose/export", "The same as a document: md, json or html"), s.exportAsked)
	huma.Register(a, get("diagnose-progress", "/diagnose/progress", "What is being done for the same question, while it is"), s.diagnoseProgress)
}

func (s *server) diagnosisOf(ctx context.Context, id pitwall.PlanID) (report.DiagnosisView, error) {
	p, err := s.Engine.Plan(ctx, id)
	if err != nil {
		return report.DiagnosisView{}, err
	}
	v, ok := report.DiagnosisOf(p, s.slo(p.SLO), s.options(nil))
	if !ok {
		return v, &pitwall.Error{Op: "reading diagnosis", Kind: pitwall.NotFound, ID: string(id), Err: fmt.Errorf("%s has no diagnosis yet; it is %s", id, p.State), Hint: "pitwall plan watch " + string(id)}
	}
	return v, nil
}

func (s *server) viewDiagnosis(ctx context.Context, in *PlanPath) (*body[report.DiagnosisView], error) {
	return ok(s.diagnosisOf(ctx, in.ID))
}

func (s *server) exportDiagnosis(ctx context.Context, in *struct {
	PlanPath
	Format string `query:"format" enum:"md,json,html" default:"md"`
}) (*document, error) {
	v, err := s.diagnosisOf(ctx, in.ID)
	if err != nil {
		return nil, fail(err)
	}
	return diagnosisDocument(v, string(in.ID)+"-diagnosis", in.Format)
}

func diagnosisDocument(v report.DiagnosisView, name, format string) (*document, error) {
	d := &document{Disposition: fmt.Sprintf("inline; filename=%q", name+"."+format), CSP: documentPolicy()}
	var err error
	switch format {
	case "html":
		d.ContentType = "text/html; charset=utf-8"
		d.Body, err = report.DiagnosisHTML(v)
	case "json":
		d.ContentType = "application/json"
		d.Body, err = json.MarshalIndent(v, "", "  ")
	default:
		d.ContentType, d.Body = "text/markdown; charset=utf-8", []byte(report.DiagnosisMarkdown(v))
	}
	if err != nil {
		return nil, fail(err)
	}
	return d, nil
}

// asked shows the answer to a question.
func (s *server) asked(ctx context.Context, in DiagnoseQuery) (report.DiagnosisView, error) {
	d, at, err := s.answer(ctx, in)
	if err != nil {
		return report.DiagnosisView{}, err
	}
	o := s.options(nil)
	o.Now = at
	return report.DiagnosisAsked(d, o), nil
}

// answer answers a question, from the answer of a moment ago where it is the
// same; at is when it was found.
func (s *server) answer(ctx context.Context, in DiagnoseQuery) (d pitwall.Diagnosis, at time.Time, err error) {
	if s.Diagnosing.Ask == nil {
		return d, at, &pitwall.Error{Op: "diagnosing", Kind: pitwall.NotFound, Err: fmt.Errorf("this Pitwall diagnoses plans only")}
	}
	q, err := in.question(s.Now())
	if err != nil {
		return d, at, err
	}
	d, at, err = s.inquiries.ask(ctx, q)
	if errors.Is(err, context.DeadlineExceeded) {
		err = &pitwall.Error{Op: "diagnosing", Kind: pitwall.Unavailable, ID: string(q.Service), Err: fmt.Errorf("not answered within %s", answerWithin), Hint: "ask about a shorter period, or name an operation"}
	}
	if err != nil {
		return d, at, err
	}
	return withQuestion(d, q), at, nil
}

// withQuestion fills in what was asked where the answer does not repeat it.
func withQuestion(d pitwall.Diagnosis, q AskDiagnosis) pitwall.Diagnosis {
	r := &d.Regression
	if r.Service == "" {
		r.Service, r.Operation = q.Service, q.Operation
	}
	if r.Signal == "" {
		r.Signal = q.Signal
	}
	if d.Window.IsZero() {
		d.Window, d.Baseline = q.Window, q.Baseline
	}
	return d
}

func (s *server) diagnose(ctx context.Context, in *struct {
	DiagnoseQuery
	Raw bool `query:"raw"`
}) (*body[any], error) {
	if in.Raw {
		d, _, err := s.answer(ctx, in.DiagnoseQuery)
		return ok[any](d, err)
	}
	v, err := s.asked(ctx, in.DiagnoseQuery)
	return ok[any](v, err)
}

func (s *server) diagnoseBody(ctx context.Context, in *struct{ Body DiagnoseBody }) (*body[report.DiagnosisView], error) {
	b := in.Body
	return ok(s.asked(ctx, DiagnoseQuery{PeriodQuery: PeriodQuery{From: b.From, To: b.To, Since: b.Since}, Service: b.Service, Operation: b.Operation, Signal: b.Signal,
		BaselineFrom: b.BaselineFrom, BaselineTo: b.BaselineTo}))
}

func (s *server) exportAsked(ctx context.Context, in *struct {
	DiagnoseQuery
	Format string `query:"format" enum:"md,json,html" default:"md"`
}) (*document, error) {
	v, err := s.asked(ctx, in.DiagnoseQuery)
	if err != nil {
		return nil, fail(err)
	}
	return diagnosisDocument(v, "diagnosis", in.Format)
}

func (s *server) diagnoseProgress(_ context.Context, in *DiagnoseQuery) (*body[progress], error) {
	q, err := in.question(s.Now())
	if err != nil {
		return nil, fail(err)
	}
	p := s.inquiries.progress(q)
	return ok(p, nil)
}
