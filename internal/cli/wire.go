package cli

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/config"
	"github.com/pitwall/pitwall/internal/engine"
	"github.com/pitwall/pitwall/internal/httpd"
	"github.com/pitwall/pitwall/internal/playbook"
	"github.com/pitwall/pitwall/internal/policy"
	"github.com/pitwall/pitwall/internal/record"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/source/otlp"
	"github.com/pitwall/pitwall/internal/source/pprof"
	"github.com/pitwall/pitwall/internal/source/rum"
	"github.com/pitwall/pitwall/internal/source/webhook"
	"github.com/pitwall/pitwall/internal/store/metrics"
	"github.com/pitwall/pitwall/internal/store/profiles"
	"github.com/pitwall/pitwall/internal/store/spans"
	"github.com/pitwall/pitwall/internal/store/sqlite"
	"github.com/pitwall/pitwall/internal/target/git"
	target "github.com/pitwall/pitwall/internal/target/webhook"
	"github.com/pitwall/pitwall/playbooks"
)

// house is everything one serving process is made of.
type house struct {
	db       *sqlite.DB
	spans    *spans.Store
	metrics  *metrics.Store
	profiles *profiles.Store
	recorder *record.Recorder
	engine   *engine.Engine
	receiver *otlp.Receiver
	scraper  *pprof.Scraper // nil: no targets configured
	page     http.Handler
}

// wire opens the stores, reads what policy, playbooks and objectives say, and
// connects it all.
func wire(ctx context.Context, conf config.Config, log *slog.Logger) (*house, error) {
	h := &house{}
	if err := h.open(conf); err != nil {
		h.close(log)
		return nil, err
	}
	if err := h.connect(ctx, conf, log); err != nil {
		h.close(log)
		return nil, err
	}
	return h, nil
}

// open opens every store of the data directory.
func (h *house) open(conf config.Config) (err error) {
	if h.db, err = sqlite.Open(conf.DataDir); err != nil {
		return err
	}
	if h.spans, err = spans.Open(filepath.Join(conf.DataDir, "spans"), spans.Options{Now: time.Now}); err != nil {
		return err
	}
	if h.metrics, err = metrics.Open(filepath.Join(conf.DataDir, "metrics"), metrics.Options{Now: time.Now}); err != nil {
		return err
	}
	h.profiles, err = profiles.Open(filepath.Join(conf.DataDir, "profiles"), profiles.Options{Now: time.Now})
	return err
}

// close closes what is open, in the order in which it depends on each other.
func (h *house) close(log *slog.Logger) {
	for _, c := range []struct {
		what  string
		open  bool
		close func() error
	}{
		{"spans", h.spans != nil, func() error { return h.spans.Close() }},
		{"metrics", h.metrics != nil, func() error { return h.metrics.Close() }},
		{"profiles", h.profiles != nil, func() error { return h.profiles.Close() }},
		{"state", h.db != nil, func() error { return h.db.Close() }},
	} {
		if !c.open {
			continue
		}
		if err := c.close(); err != nil {
			log.Error("Store not closed", "store", c.what, "err", err)
		}
	}
}

func (h *house) connect(ctx context.Context, conf config.Config, log *slog.Logger) error {
	h.recorder = record.New(h.db, time.Now)
	c, err := h.engineConfig(ctx, conf, log)
	if err != nil {
		return err
	}
	if conf.Profiles.FileSD != "" {
		h.scraper = pprof.New(pprof.Config{FileSD: conf.Profiles.FileSD, Window: conf.Profiles.Window, Sink: h.profiles, Requests: h.spans, Now: time.Now})
		c.Health = append(c.Health, h.scraper)
	}
	h.receiver = otlp.New(otlp.Config{Spans: h.spans, Metrics: h.metrics, Now: time.Now})
	beacons := rum.New(rum.Config{Sink: h.db, Now: time.Now})
	secret := ""
	if conf.Changes.SecretFile != "" {
		if secret, err = config.ReadSecret(conf.Changes.SecretFile); err != nil {
			return err
		}
	}
	changes := webhook.New(webhook.Config{Log: h.db, Secret: secret, Now: time.Now})
	c.Health = append(c.Health, h.receiver, beacons, changes, h.spans, h.metrics, h.profiles, h.db)
	if h.engine, err = engine.New(ctx, c); err != nil {
		return err
	}
	if err := h.tap(ctx, conf, c.Ledger); err != nil {
		return err
	}
	h.page, err = httpd.New(httpd.Config{Engine: h.engine, Now: time.Now, PublicURL: c.Settings.PublicURL, Log: log, Stop: ctx.Done(),
		Mounts: map[string]http.Handler{"/api/v1/changes": changes, "/api/v1/rum": beacons}})
	return err
}

// tap loads the ledger and connects it to the span log where it left off; spans
// also tell which versions run.
func (h *house) tap(ctx context.Context, conf config.Config, ledger *slo.Ledger) error {
	steps, position, err := h.db.LoadLedger(ctx, time.Time{})
	if err != nil {
		return fmt.Errorf("reading the ledger: %w", err)
	}
	if err := ledger.Load(steps); err != nil {
		return err
	}
	watch := webhook.NewVersionWatch(h.db, time.Now)
	return h.spans.Tap(position, func(position uint64, b *pitwall.SpanBatch) {
		h.engine.Feed(position, b)
		watch.Observe(ctx, b)
	})
}

func (h *house) engineConfig(ctx context.Context, conf config.Config, log *slog.Logger) (engine.Config, error) {
	var c engine.Config
	slos, err := readSLOs(conf)
	if err != nil {
		return c, err
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
		Settings: settings(conf), Owner: conf.OwnerOf, Environment: conf.Environment,
		Instance: fmt.Sprintf("pitwall-%d-%d", os.Getpid(), time.Now().UnixNano()),
		Now:      time.Now, Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), Log: log,
	}
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

func settings(conf config.Config) engine.Settings {
	e := conf.Engine
	return engine.Settings{
		Tick: e.Tick, Settle: e.Settle, Baseline: e.Baseline, OnsetLookback: e.OnsetLookback,
		DiagnoseMin: e.DiagnoseMin, DiagnoseMax: e.DiagnoseMax, StepMax: e.Canary.StepMax, Watch: e.Watch,
		VerifyMin: e.Verify.MinRequests, VerifyMax: e.Verify.Max, Deadline: e.Deadline, LeaseTTL: e.LeaseTTL,
		Retry: e.Retry, MaxTries: e.MaxTries, MinRequests: e.Canary.MinRequests, Alpha: e.Canary.Alpha, Margin: e.Canary.Margin,
		PublicURL: orElse(conf.PublicURL, "http://"+conf.Listen.HTTP),
	}
}

// readSLOs reads the objectives, their windows scaled as configured.
func readSLOs(conf config.Config) ([]pitwall.SLO, error) {
	files, err := conf.SLOFiles()
	if err != nil {
		return nil, err
	}
	slos, _, err := slo.ReadFiles("", files...)
	if err != nil {
		return nil, err
	}
	for i := range slos {
		slos[i] = slo.Scale(slos[i], conf.TimeScale)
	}
	return slos, nil
}

func readPolicy(conf config.Config) (*policy.Policy, error) {
	if conf.Policy == "" {
		return policy.Default()
	}
	data, err := os.ReadFile(conf.Policy)
	if err != nil {
		return nil, &pitwall.Error{Op: "reading policy", Kind: pitwall.Invalid, ID: conf.Policy, Err: err, Hint: "policy: in pitwall.yaml names it"}
	}
	return policy.Load(conf.Policy, data)
}

// readPlaybooks reads the shipped catalogue and, before it, the user's own.
func readPlaybooks(conf config.Config) ([]pitwall.Playbook, error) {
	var all []pitwall.Playbook
	sources := []fs.FS{playbooks.FS}
	if conf.Playbooks != "" {
		sources = []fs.FS{os.DirFS(conf.Playbooks), playbooks.FS}
	}
	for _, fsys := range sources {
		books, err := playbook.Load(fsys)
		if err != nil {
			return nil, err
		}
		all = append(all, books...)
	}
	return all, nil
}
