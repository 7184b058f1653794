package cli

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/config"
	"github.com/pitwall/pitwall/internal/engine"
	"github.com/pitwall/pitwall/internal/httpd"
	"github.com/pitwall/pitwall/internal/monitor"
	"github.com/pitwall/pitwall/internal/notify"
	"github.com/pitwall/pitwall/internal/record"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/source/measured"
	"github.com/pitwall/pitwall/internal/source/otlp"
	"github.com/pitwall/pitwall/internal/source/webhook"
	"github.com/pitwall/pitwall/internal/store/logs"
	"github.com/pitwall/pitwall/internal/store/metrics"
	"github.com/pitwall/pitwall/internal/store/metrics/promapi"
	"github.com/pitwall/pitwall/internal/store/profiles"
	"github.com/pitwall/pitwall/internal/store/spans"
	"github.com/pitwall/pitwall/internal/store/sqlite"
	"github.com/pitwall/pitwall/internal/target/git"
	target "github.com/pitwall/pitwall/internal/target/webhook"
)

// house is everything one serving process is made of.
type house struct {
	db        *sqlite.DB
	spans     *spans.Store
	metrics   *metrics.Store
	logs      *logs.Store
	profiles  *profiles.Store
	recorder  *record.Recorder
	engine    *engine.Engine
	collector *engine.Collector
	sender    *notify.Sender // nil: nobody is told
	receiver  *otlp.Receiver
	versions  *webhook.VersionWatch
	page      http.Handler
	loops     []loop
	retain    sqlite.LedgerKeep
	log       *slog.Logger
	health    []pitwall.Health
	mounts    map[string]http.Handler
	targets   func() []promapi.Target // of the metrics scraper; nil: it is not configured
	journeys  func() any              // how synthetic journeys stand; nil: there are none
}

// loop is something that runs for as long as the house stands.
type loop struct {
	doing string // a gerund, for the error that ends it
	run   func(context.Context) error
}

// wire opens the stores, reads what policy, playbooks and objectives say, and
// connects it all.
func wire(ctx context.Context, conf config.Config, log *slog.Logger) (*house, error) {
	h := &house{mounts: map[string]http.Handler{}, log: log}
	h.loops = append(h.loops, loop{"deleting what is too old", h.prune}, loop{"watching the sources", h.watch})
	if err := h.open(conf, log); err != nil {
		h.close(log)
		return nil, err
	}
	if err := h.connect(ctx, conf, log); err != nil {
		h.close(log)
		return nil, err
	}
	return h, nil
}

func (h *house) connect(ctx context.Context, conf config.Config, log *slog.Logger) error {
	h.recorder = record.New(h.db, time.Now)
	c, err := h.engineConfig(ctx, conf, log)
	if err != nil {
		return err
	}
	for _, part := range []func() error{
		func() error { return h.receive(conf, log) },
		func() error { return h.announce(conf) },
		func() error { return h.probe(conf) },
		func() error { return h.readElsewhere(conf, &c) },
		func() error { return h.answerPromQL(log) },
	} {
		if err := part(); err != nil {
			return err
		}
	}
	if err := h.countQueries(conf, &c, log); err != nil {
		return err
	}
	c.Health = append(h.health, ledgerHealth{c.Ledger}, h.spans, h.metrics, h.logs, h.profiles, h.db)
	if h.engine, err = engine.New(ctx, c); err != nil {
		return err
	}
	if err := h.tap(ctx, conf, c.Ledger); err != nil {
		return err
	}
	if err := h.engine.Define(ctx); err != nil {
		return fmt.Errorf("recording the objectives: %w", err)
	}
	about := answering{h: h, conf: conf, slos: c.SLOs, ledger: c.Ledger, metrics: c.Metrics, routes: c.Routes, dear: make(chan struct{}, dearAtOnce)}
	about.samples, _ = c.Metrics.(pitwall.SampleReader)
	h.page, err = httpd.New(httpd.Config{Engine: h.engine, Now: time.Now, PublicURL: c.Settings.PublicURL, Log: log, Stop: ctx.Done(),
		Mounts: h.mounts, Signals: h.signals(conf), Objectives: about.objectives(),
		Findings:   httpd.Findings{Sensed: h.engine.Sensed, One: h.engine.Finding, Accept: h.engine.Accept},
		Diagnosing: httpd.Diagnosing{Ask: h.diagnose}})
	return err
}

// diagnose answers a question that was asked by hand.
func (h *house) diagnose(ctx context.Context, q httpd.AskDiagnosis) (pitwall.Diagnosis, error) {
	return h.engine.Diagnose(ctx, pitwall.AskDiagnosis{
		Service: q.Service, Operation: q.Operation, Signal: q.Signal, Window: q.Window, Baseline: q.Baseline,
	}, q.Say)
}

// countQueries lets objectives be counted from metrics, and people hear of those
// that fire.
func (h *house) countQueries(conf config.Config, c *engine.Config, log *slog.Logger) error {
	samples, _ := c.Metrics.(pitwall.SampleReader)
	h.collector = engine.NewCollector(engine.CollectConfig{SLOs: c.SLOs, Ledger: c.Ledger, Samples: samples, Metrics: c.Metrics,
		Settle: c.Settings.Settle, Every: c.Settings.Tick, Backfill: conf.Alerting.Backfill, Now: time.Now, Log: log})
	h.keep("counting objectives from metrics", h.collector, h.collector.Run)
	c.Problem, c.Alerts, c.Outbox, c.Words = h.collector.Problem, h.db, h.db, words(c.Settings.PublicURL)
	var err error
	if c.Routes, err = readRoutes(conf); err != nil {
		return err
	}
	c.Unwritten = func(pages []pitwall.Delivery) {
		if h.sender != nil {
			h.sender.Urgent(pages)
		}
	}
	c.Told = func() {
		if h.sender != nil {
			h.sender.Kick()
		}
	}
	return h.tellPeople(c.Routes, log)
}

// tap loads the ledger and connects it to the span log where it left off; spans
// also tell which versions run.
func (h *house) tap(ctx context.Context, conf config.Config, ledger *slo.Ledger) error {
	ledger.Now(time.Now())
	position, err := ledger.Open(ctx, h.db)
	if err != nil {
		return fmt.Errorf("reading the ledger: %w", err)
	}
	// What the first evaluation needs of older steps, all at once.
	if err := ledger.Prefetch(ctx, time.Now(), math.MaxInt); err != nil {
		return err
	}
	h.retain = sqlite.LedgerKeep{SLOs: ledger.Retention(), Others: countsFor}
	return h.spans.Tap(position, func(position uint64, b *pitwall.SpanBatch) {
		ledger.Now(time.Now())
		h.engine.Feed(position, b)
		h.versions.Observe(ctx, b)
	})
}

func (h *house) engineConfig(ctx context.Context, conf config.Config, log *slog.Logger) (engine.Config, error) {
	var c engine.Config
	slos, warnings, err := readObjectives(conf)
	if err != nil {
		return c, err
	}
	for _, w := range warnings {
		log.Warn("Objective understood, with a doubt", "doubt", w)
	}
	rules, err := readPolicy(conf)
	if err != nil {
		return c, err
	}
	books, err := readPlaybooks(conf)
	if err != nil {
		return c, err
	}
	c = engine.Config{
		SLOs: slos, Ledger: slo.NewLedger(slos, conf.LedgerStep), Policy: rules, Books: books, Recorder: h.recorder,
		Spans: h.spans, Metrics: h.metrics, Profiles: h.profiles, Changes: h.db, PageLoads: h.db, Ledgers: h.db, Leases: h.db,
		KPIs: kpis(conf), Settings: settings(conf), Owner: conf.OwnerOf, Environment: conf.Environment,
		Instance: fmt.Sprintf("pitwall-%d-%d", os.Getpid(), time.Now().UnixNano()),
		Now:      time.Now, Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), Log: log,
	}
	if conf.Detection.Operations > 0 {
		if c.Monitor, err = monitor.New(monitor.Options{MinEffect: float64(conf.Detection.MinEffect), Operations: conf.Detection.Operations, Zone: conf.Detection.Zone()}); err != nil {
			return c, err
		}
		c.Memory, c.Settings.FindingsOpen = h.db, conf.Detection.Opens
	}
	if h.metrics != nil {
		c.Measured = measured.New(h.metrics)
	}
	v := &volumes{h: h, conf: conf, started: time.Now()}
	c.Operations, c.Logs, c.Controls, c.Volumes, c.Cardinality = h.spans, h.logs, conf.Target.Services, v.All, h.cardinality
	if c.Target, err = readTarget(conf); err != nil {
		return c, err
	}
	c.Repository, err = readRepository(ctx, conf)
	return c, err
}

// readTarget makes the client of the controller; nil: nothing can be changed.
func readTarget(conf config.Config) (pitwall.Target, error) {
	if conf.Target.URL == "" {
		return nil, nil
	}
	return target.New(target.Config{URL: conf.Target.URL, TokenFile: conf.Target.TokenFile, Services: conf.Target.Services})
}

// readRepository opens the repository that locks go to; nil: none are left behind.
func readRepository(ctx context.Context, conf config.Config) (pitwall.Repository, error) {
	if conf.Enforce.Repository == "" {
		return nil, nil
	}
	return git.Open(ctx, conf.Enforce.Repository, git.Options{Now: time.Now, FastForward: conf.Enforce.FastForward})
}
