package promapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/pitwall/pitwall"
)

const (
	defaultConcurrency = 8
	defaultWait        = 10 * time.Second
	defaultMaxList     = 200_000
	// maxBody bounds a posted form. Grafana posts one query at a time.
	maxBody = 1 << 20
	// maxQuery bounds one query or selector in bytes.
	maxQuery = 64 << 10
	// readWithin is how long a client may take to read an answer; its samples
	// stay in memory, and its slot is taken, until it has.
	readWithin = 30 * time.Second
)

// Config is what an API needs. Queryable and Engine are required.
type Config struct {
	// Queryable gives the samples, and Engine evaluates PromQL over them.
	Queryable storage.Queryable
	Engine    promql.QueryEngine
	// Head counts the series in memory for /api/v1/status/tsdb: the limit largest
	// of each kind, and the chunks; nil means the path is not there.
	Head func(ctx context.Context, limit int) (*tsdb.Stats, int64, error)
	// Targets lists what is scraped; nil means nothing is.
	Targets func() []Target
	// Metadata lists what is known of metrics beyond their name; nil means nothing.
	Metadata func() []Metadata
	// Ready says why queries cannot be answered yet; nil means they always can.
	Ready func() error
	// Now is when a query without a time is asked; nil means the system's clock.
	Now func() time.Time
	// Logger hears of defects; nil discards.
	Logger *slog.Logger
	// Concurrency is how many queries may be evaluated at one time; 0 means 8.
	// The others wait up to Wait, 0 meaning 10 s, and are then refused.
	Concurrency int
	Wait        time.Duration
	// MaxList bounds the names, values or series of one answer; 0 means 200,000.
	MaxList int
}

// API answers Prometheus' HTTP API. It may be used by several goroutines.
type API struct {
	Config
	parser parser.Parser
	mux    *http.ServeMux
	slots  chan struct{}
	zips   sync.Pool // of *gzip.Writer
}

var _ http.Handler = (*API)(nil)

// New makes an API. Mount it with its prefix stripped: the paths it answers
// begin with /api/v1/ and /-/.
func New(c Config) (*API, error) {
	const op = "making the Prometheus API"
	if c.Queryable == nil || c.Engine == nil {
		return nil, pitwall.Errorf(pitwall.Invalid, op, "no store or no engine to ask")
	}
	if c.Concurrency < 0 || c.Wait < 0 || c.MaxList < 0 {
		return nil, pitwall.Errorf(pitwall.Invalid, op, "a negative bound (%d at one time, wait %v, list %d)", c.Concurrency, c.Wait, c.MaxList)
	}
	c = c.withDefaults()
	a := &API{Config: c, parser: parser.NewParser(parser.Options{}), slots: make(chan struct{}, c.Concurrency)}
	a.zips.New = func() any {
		z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is a valid one
		return z
	}
	a.mux = a.routes()
	return a, nil
}

func (c Config) withDefaults() Config {
	if c.Targets == nil {
		c.Targets = func() []Target { return nil }
	}
	if c.Metadata == nil {
		c.Metadata = func() []Metadata { return nil }
	}
	if c.Ready == nil {
		c.Ready = func() error { return nil }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Concurrency == 0 {
		c.Concurrency = defaultConcurrency
	}
	if c.Wait == 0 {
		c.Wait = defaultWait
	}
	if c.MaxList == 0 {
		c.MaxList = defaultMaxList
	}
	return c
}

// endpoint answers one path. It closes what it holds before it returns, and so
// writes its answer itself.
type endpoint func(a *answer) *failure

// routes lists the paths; GET includes HEAD. POST carries the same parameters as
// a form, because a URL has a limit and a query may not.
func (a *API) routes() *http.ServeMux {
	mux := http.NewServeMux()
	both := func(path string, f endpoint) {
		mux.Handle("GET /api/v1/"+path, a.serve(f))
		mux.Handle("POST /api/v1/"+path, a.serve(f))
	}
	get := func(path string, f endpoint) { mux.Handle("GET /api/v1/"+path, a.serve(f)) }
	both("query", a.query)
	both("query_range", a.queryRange)
	both("query_exemplars", a.queryExemplars)
	both("format_query", a.formatQuery)
	both("labels", a.labelNames)
	both("series", a.series)
	get("label/{name}/values", a.labelValues)
	get("metadata", a.metadata)
	get("targets", a.targets)
	get("rules", a.rules)
	get("alerts", a.alerts)
	get("status/buildinfo", a.buildInfo)
	get("status/flags", a.flags)
	get("status/tsdb", a.tsdbStatus)
	mux.HandleFunc("GET /-/healthy", a.healthy)
	mux.HandleFunc("GET /-/ready", a.ready)
	mux.Handle("/api/v1/", a.serve(func(w *answer) *failure {
		return &failure{notFound, fmt.Errorf("no %s %s here; docs/reference/prometheus-api.md lists what is answered", w.r.Method, w.r.URL.Path)}
	}))
	return mux
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// serve reads the parameters, runs the endpoint, and makes an answer of
// whatever comes: a failure, or a defect of ours.
func (a *API) serve(f endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ans := a.newAnswer(w, r)
		defer ans.end()
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p)
			}
			a.Logger.Error("Query API panicked", "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			ans.fail(&failure{internal, fmt.Errorf("a defect of ours; it is in the log")})
		}()
		if bad := ans.readForm(); bad != nil {
			ans.fail(bad)
			return
		}
		if bad := f(ans); bad != nil {
			ans.fail(bad)
		}
	})
}

// enter waits for one of the slots of queries.
func (a *API) enter(ctx context.Context) (leave func(), bad *failure) {
	select {
	case a.slots <- struct{}{}:
		return func() { <-a.slots }, nil
	default:
	}
	t := time.NewTimer(a.Wait)
	defer t.Stop()
	select {
	case a.slots <- struct{}{}:
		return func() { <-a.slots }, nil
	case <-t.C:
		return nil, &failure{timeout, fmt.Errorf("%d queries are running already and none ended within %v; ask again later", cap(a.slots), a.Wait)}
	case <-ctx.Done():
		return nil, failed(fmt.Errorf("waiting for one of %d running queries to end: %w", cap(a.slots), ctx.Err()))
	}
}
