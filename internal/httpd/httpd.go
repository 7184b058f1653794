package httpd

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

// Engine is what the door needs of the loop behind it.
type Engine interface {
	Plans(ctx context.Context) ([]pitwall.Plan, error)
	Plan(ctx context.Context, id pitwall.PlanID) (pitwall.Plan, error)
	Live(id pitwall.PlanID) pitwall.Live
	SLOs() []pitwall.SLO
	Budgets(ctx context.Context) ([]pitwall.ErrorBudget, error)
	Budget(ctx context.Context, slo pitwall.SLOName) (pitwall.ErrorBudget, error)
	BudgetSeries(ctx context.Context, slo pitwall.SLOName, p pitwall.Period, step time.Duration) ([]pitwall.LedgerStep, error)
	Act(ctx context.Context, r pitwall.ActRequest) (pitwall.ActResult, error)
	Events(ctx context.Context, after uint64, limit int) ([]pitwall.Event, error)
	// WaitEvents returns when the record is longer than after, or ctx is done.
	WaitEvents(ctx context.Context, after uint64) error
	VerifyRecord(ctx context.Context) (n uint64, err error)
	Health() []pitwall.SourceHealth
	Trace(ctx context.Context, id pitwall.TraceID) (*pitwall.SpanBatch, error)
}

// Config is what a server is made from.
type Config struct {
	Engine  Engine
	Signals Signals // what else can be asked for
	// Objectives answers what is asked about objectives beside their budgets.
	Objectives Objectives
	Findings   Findings // changes that were found
	Diagnosing Diagnosing
	Now        func() time.Time
	PublicURL  string // where people reach it; prefix of links, may be empty
	// Mounts are further handlers by path, such as "/v1/traces"; a path that
	// ends in a slash takes everything below it. They guard themselves.
	Mounts   map[string]http.Handler
	ReadOnly bool         // refuse every action
	Log      *slog.Logger // nil: nothing is logged
	// Stop ends open streams when it is closed, so that a server can shut down
	// without waiting for browsers; nil: never.
	Stop <-chan struct{}
	// Tick is how often live values are compared for the stream; 0 means 1 s.
	Tick time.Duration
}

// Limits of what a client may ask for.
const (
	maxBody      = 64 << 10
	answerWithin = 30 * time.Second
)

type server struct {
	Config
	count     counters
	inquiries *inquiries
}

// New makes the handler of everything.
func New(c Config) (http.Handler, error) {
	if c.Engine == nil || c.Now == nil {
		return nil, pitwall.Errorf(pitwall.Invalid, "starting server", "engine and clock are needed")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Tick <= 0 {
		c.Tick = time.Second
	}
	s := &server{Config: c, inquiries: newInquiries(c)}
	assets, err := readAssets(embeddedUI())
	if err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Use(s.counted, s.recovered, secured)
	for path, h := range c.Mounts {
		if strings.HasSuffix(path, "/") {
			path += "*"
		}
		r.Handle(path, h)
	}
	r.Get("/api/v1/events", s.stream)
	r.Get("/metrics", s.metrics)
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	r.Get("/readyz", s.ready)
	r.Group(func(r chi.Router) {
		r.Use(middleware.Compress(5, "application/json", "text/html", "text/css", "text/javascript", "text/markdown"), within)
		s.pages(r, assets)
		r.Group(func(r chi.Router) {
			r.Use(sameOrigin(), noStore)
			s.api(newAPI(r))
		})
	})
	r.NotFound(s.notFound)
	r.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		writeError(w, &apiError{status: http.StatusMethodNotAllowed, Body: errorBody{Op: "reading request", Kind: pitwall.Invalid, ID: r.URL.Path, Message: r.Method + " is not possible here"}})
	})
	return r, nil
}

// newAPI makes the OpenAPI side: JSON only, one error shape, no links added to
// bodies.
func newAPI(r chi.Router) huma.API {
	c := huma.DefaultConfig("Pitwall", "1")
	c.Info.Description = "From a burning SLO to a verified fix that cannot come back. Fields are added, never changed; unknown ones are to be ignored."
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", nil
	c.Transformers = append(c.Transformers, oneErrorShape)
	c.OnAddOperation = append(c.OnAddOperation, documentErrors)
	return humachi.New(r, c)
}

// schemaName tells the words of a page from the nouns they are made of.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.PkgPath() == reflect.TypeFor[report.Maths]().PkgPath() && !strings.HasSuffix(name, "View") {
		return name + "View"
	}
	return name
}

// options are those of every view made now.
func (s *server) options(others []pitwall.Plan) report.Options {
	return report.Options{Now: s.Now(), PublicURL: s.PublicURL, ReadOnly: s.ReadOnly, Others: others}
}

// view makes the page of one plan from what the engine knows.
func (s *server) view(ctx context.Context, id pitwall.PlanID) (report.PlanView, error) {
	p, err := s.Engine.Plan(ctx, id)
	if err != nil {
		return report.PlanView{}, err
	}
	all, err := s.Engine.Plans(ctx)
	if err != nil {
		return report.PlanView{}, err
	}
	live := s.Engine.Live(id)
	if live.Budget == nil {
		live.Budget = s.budgetOf(ctx, p.SLO)
	}
	return report.View(p, live, s.slo(p.SLO), s.options(all)), nil
}

// budgetOf gives an objective's budget now, or nil when it is not watched any
// more; the page then shows the one in the record and says so.
func (s *server) budgetOf(ctx context.Context, name pitwall.SLOName) *pitwall.ErrorBudget {
	b, err := s.Engine.Budget(ctx, name)
	if err != nil {
		return nil
	}
	return &b
}

func (s *server) slo(name pitwall.SLOName) pitwall.SLO {
	for _, o := range s.Engine.SLOs() {
		if o.Name == name {
			return o
		}
	}
	return pitwall.SLO{}
}
