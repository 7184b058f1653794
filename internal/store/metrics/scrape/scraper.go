// Package scrape collects metrics from targets that wait to be asked, by
// Prometheus' own scraper.
//
// In come addresses, from the configuration or from files in Prometheus'
// file_sd format, and the targets' answers over HTTP, as text, OpenMetrics or
// protobuf; out go samples into an appender. It knows neither what a metric
// means nor how it is kept.
//
// A targets file is a list of groups and is read again whenever it changes:
//
//	[{"targets": ["10.0.0.7:9100"], "labels": {"env": "prod"}}]
//
// Every sample carries the labels job (the job's name) and instance (the
// address); what the target itself says of the two is kept as exported_job and
// exported_instance. Beside its own metrics every target has up (1 or 0),
// scrape_duration_seconds and the like. When a target does not answer, or is no
// longer listed, its series end at once instead of five minutes later.
package scrape

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"

	"github.com/pitwall/pitwall"
)

// Job is a set of targets that are asked in the same way.
type Job struct {
	Name    string            // unique; the label job
	Targets []string          // host:port
	FileSD  string            // a targets file, .json, .yml or .yaml; empty: none
	Labels  map[string]string // of every target, unless its group has its own
	// Interval is how often a target is asked, Timeout how long it may take; 0
	// means 15 s, and 10 s or the interval if that is shorter.
	Interval time.Duration
	Timeout  time.Duration
	Path     string // empty: /metrics
	Scheme   string // http or https; empty: http
	// BearerTokenFile holds a token sent with each request; it is read each time.
	BearerTokenFile string
}

// Config of a Scraper. Store is required.
type Config struct {
	Jobs  []Job
	Store storage.AppendableV2
	// SampleLimit and BodyLimit bound one answer; one beyond them is refused
	// whole. 0 means 50,000 samples and 16 MiB, decompressed.
	SampleLimit int
	BodyLimit   int64
	// TargetLimit bounds the targets of a job; with more, none is asked. 0 means
	// 2,000.
	TargetLimit int
	// Reload is how often targets files are looked at; 0 means 5 s.
	Reload time.Duration
	// YAML decodes a targets file of that form; nil: they must be JSON.
	YAML   func(data []byte, into any) error
	Now    func() time.Time // nil: the system's clock
	Logger *slog.Logger     // hears of targets in trouble, at debug level mostly; nil discards
}

// Scraper asks targets.
type Scraper struct {
	c       Config
	files   []*file
	tally   *tally
	manager *scrape.Manager
}

var _ pitwall.Health = (*Scraper)(nil)

// New makes a Scraper; Run starts it. What is wrong with a job is said here;
// what is wrong with a targets file or a target is said by Health.
func New(c Config) (*Scraper, error) {
	c = c.withDefaults()
	s := &Scraper{c: c, tally: newTally(c.Store)}
	conf, err := c.translated()
	if err != nil {
		return nil, err
	}
	for _, j := range c.Jobs {
		if j.FileSD != "" {
			s.files = append(s.files, newFile(c, j))
		}
	}
	noMetrics := nowhere(promql.EngineOpts{}.Reg)
	s.manager, err = scrape.NewManager(&scrape.Options{
		DiscoveryReloadInterval:  model.Duration(c.Reload),
		DiscoveryReloadOnStartup: true,
		PassMetadataInContext:    true, // so that the tally knows whose samples come
	}, c.Logger, nil, nil, s.tally, noMetrics)
	if err == nil {
		err = s.manager.ApplyConfig(conf)
	}
	if err != nil {
		return nil, &pitwall.Error{Op: startOp, Kind: pitwall.Internal, Err: err}
	}
	return s, nil
}

func (c Config) withDefaults() Config {
	if c.SampleLimit <= 0 {
		c.SampleLimit = 50_000
	}
	if c.BodyLimit <= 0 {
		c.BodyLimit = 16 << 20
	}
	if c.TargetLimit <= 0 {
		c.TargetLimit = 2000
	}
	if c.Reload <= 0 {
		c.Reload = 5 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Run asks the targets until ctx ends, then returns nil. A Scraper runs once.
func (s *Scraper) Run(ctx context.Context) error {
	sets := make(chan map[string][]*targetgroup.Group)
	var work sync.WaitGroup
	work.Go(func() { _ = s.manager.Run(sets) }) // it ends with Stop and has no error
	defer work.Wait()
	defer s.manager.Stop()
	tick := time.NewTicker(s.c.Reload)
	defer tick.Stop()
	for first := true; ; first = false {
		changed := first
		for _, f := range s.files {
			changed = f.read(s.c.Now()) || changed
		}
		if changed {
			select {
			case sets <- s.groups():
			case <-ctx.Done():
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// groups lists the targets of every job, those that have none too, so that the
// last one's going is seen.
func (s *Scraper) groups() map[string][]*targetgroup.Group {
	sets := make(map[string][]*targetgroup.Group, len(s.c.Jobs))
	for _, j := range s.c.Jobs {
		sets[j.Name] = []*targetgroup.Group{asGroup(group{Targets: j.Targets}, j, "configuration")}
	}
	for _, f := range s.files {
		sets[f.job.Name] = append(sets[f.job.Name], f.groups...)
	}
	return sets
}

// Standing is how one target stands.
type Standing struct {
	Job, URL   string
	Labels     map[string]string // what its series carry
	Health     string            // up, down or unknown
	LastError  string
	LastScrape time.Time
	Took       time.Duration
}

// Targets lists the targets, by job.
func (s *Scraper) Targets() (list []Standing) {
	for job, targets := range s.manager.TargetsActive() {
		for _, t := range targets {
			one := Standing{Job: job, URL: t.URL().Redacted(), Labels: map[string]string{}, Health: string(t.Health()), LastScrape: t.LastScrape(), Took: t.LastScrapeDuration()}
			t.LabelsRange(func(l labels.Label) { one.Labels[l.Name] = l.Value })
			if err := t.LastError(); err != nil {
				one.LastError = err.Error()
			}
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b Standing) int { return cmp.Or(strings.Compare(a.Job, b.Job), strings.Compare(a.URL, b.URL)) })
	return list
}

// Health tells of the targets files first, then of every target, by name.
func (s *Scraper) Health() []pitwall.SourceHealth {
	out := make([]pitwall.SourceHealth, 0, len(s.files))
	for _, f := range s.files {
		out = append(out, f.state())
	}
	n := len(out)
	active := map[*scrape.Target]bool{}
	for job, targets := range s.manager.TargetsActive() {
		for _, t := range targets {
			active[t] = true
			out = append(out, s.state(job, t))
		}
	}
	s.tally.forget(active)
	slices.SortFunc(out[n:], func(a, b pitwall.SourceHealth) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (s *Scraper) state(job string, t *scrape.Target) pitwall.SourceHealth {
	instance := t.GetValue(model.InstanceLabel)
	h := pitwall.SourceHealth{
		Name: "scrape " + job + " " + instance, Signal: pitwall.SignalMetrics,
		Up: t.Health() == scrape.HealthGood, LastSeen: t.LastScrape(),
	}
	h.Accepted, h.Rejected = s.tally.of(t)
	switch {
	case t.Health() == scrape.HealthUnknown:
		h.Message = "not asked yet"
	case t.LastError() != nil:
		h.Message = withoutURL(t.LastError()).Error()
	}
	if !h.Up {
		h.Blind = "metrics of " + instance + " (job " + job + ")"
	}
	return h
}
