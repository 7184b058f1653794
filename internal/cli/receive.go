package cli

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/config"
	"github.com/pitwall/pitwall/internal/mask"
	"github.com/pitwall/pitwall/internal/source/otlp"
	"github.com/pitwall/pitwall/internal/source/pprof"
	"github.com/pitwall/pitwall/internal/source/pyroscope"
	"github.com/pitwall/pitwall/internal/source/rum"
	"github.com/pitwall/pitwall/internal/source/synthetic"
	"github.com/pitwall/pitwall/internal/source/webhook"
	"github.com/pitwall/pitwall/internal/store/metrics/promapi"
	"github.com/pitwall/pitwall/internal/store/metrics/remotewrite"
	"github.com/pitwall/pitwall/internal/store/metrics/scrape"
)

// receive takes telemetry in: OTLP, remote write, page loads, and what is
// scraped.
func (h *house) receive(conf config.Config, log *slog.Logger) error {
	in := conf.Ingest
	h.receiver = otlp.New(otlp.Config{Spans: h.spans, Metrics: h.metrics, Logs: h.logs, Now: time.Now,
		MaxBody: int64(in.MaxBody), MaxInFlight: in.MaxInFlight, MaxInFlightBytes: int64(in.MaxInFlightBytes)})
	write, err := remotewrite.New(remotewrite.Config{Store: h.metrics.Appendable(), MaxBody: int64(in.MaxBody), MaxInFlight: in.MaxInFlight, Now: time.Now})
	if err != nil {
		return err
	}
	beacons := rum.New(rum.Config{Sink: h.db, Now: time.Now})
	pushed := pprof.NewPushHandler(pprof.PushConfig{Sink: h.profiles, Now: time.Now})
	h.mounts["/prometheus/api/v1/write"] = write
	h.mounts["/api/v1/rum"] = beacons
	h.mounts["/api/v1/rum.js"] = rum.Snippet()
	h.mounts["/api/v1/profiles"] = pushed
	pyro := pyroscope.NewReceiver(pyroscope.ReceiverConfig{Sink: h.profiles, MaxBody: int64(in.MaxBody), Now: time.Now})
	h.mounts["/ingest"] = pyro.Ingest()
	h.mounts[pyroscope.PushPath] = pyro.Push()
	h.health = append(h.health, h.receiver, write, beacons, pushed, pyro)
	if conf.Profiles.FileSD != "" {
		scraper := pprof.New(pprof.Config{FileSD: conf.Profiles.FileSD, Window: conf.Profiles.Window, Types: conf.Profiles.Types,
			Sink: h.profiles, Requests: h.spans, Now: time.Now})
		h.keep("scraping profiles", scraper, scraper.Run)
	}
	return h.scrape(conf, log)
}

func (h *house) scrape(conf config.Config, log *slog.Logger) error {
	if len(conf.Metrics.Scrape) == 0 {
		return nil
	}
	var jobs []scrape.Job
	for _, j := range conf.Metrics.Scrape {
		var labels map[string]string
		if j.Service != "" {
			labels = map[string]string{"service_name": j.Service}
		}
		jobs = append(jobs, scrape.Job{Name: j.Job, Labels: labels, Targets: j.Targets, FileSD: j.FileSD, Interval: j.Interval, Timeout: j.Timeout,
			Path: j.Path, Scheme: j.Scheme, BearerTokenFile: j.TokenFile})
	}
	scraper, err := scrape.New(scrape.Config{Jobs: jobs, Store: h.metrics.Appendable(), YAML: yaml.Unmarshal, Now: time.Now, Logger: log})
	if err != nil {
		return err
	}
	h.targets = func() (list []promapi.Target) {
		for _, t := range scraper.Targets() {
			list = append(list, promapi.Target{Job: t.Job, URL: t.URL, Labels: t.Labels, Health: t.Health, LastError: t.LastError, LastScrape: t.LastScrape, Took: t.Took})
		}
		return list
	}
	h.keep("scraping metrics", scraper, scraper.Run)
	return nil
}

// keep adds a source that runs for as long as the house stands.
func (h *house) keep(doing string, source pitwall.Health, run func(context.Context) error) {
	h.health = append(h.health, source)
	h.loops = append(h.loops, loop{doing, run})
}

// announce opens the hooks for changes and alerts.
func (h *house) announce(conf config.Config) error {
	c := conf.Changes
	secrets := map[string]string{}
	for name, file := range map[string]string{"changes": c.SecretFile, "github": c.GitHub.SecretFile, "argocd": c.ArgoCD.TokenFile,
		"flagger": c.Flagger.TokenFile, "alertmanager": c.Alertmanager.TokenFile} {
		if file == "" {
			continue
		}
		secret, err := config.ReadSecret(file)
		if err != nil {
			return err
		}
		secrets[name] = secret
	}
	services := map[string]pitwall.ServiceName{}
	for _, s := range c.Services {
		services[s.Source] = s.Service
	}
	told := mask.Changes{ChangeLog: h.db} // every way in for changes goes through it
	changes := webhook.New(webhook.Config{Log: told, Secret: secrets["changes"], Now: time.Now})
	hooks := webhook.NewHooks(webhook.Sources{Log: told, Alerts: h.db, Environment: conf.Environment, Services: services,
		GitHubSecret: secrets["github"], ArgoToken: secrets["argocd"], FlaggerToken: secrets["flagger"], AlertmanagerToken: secrets["alertmanager"], Now: time.Now})
	h.mounts["/api/v1/changes"] = changes
	for path, hook := range hooks.Mounts() {
		h.mounts[path] = hook
	}
	h.versions = webhook.NewVersionWatch(told, time.Now)
	h.health = append(h.health, changes, hooks, h.versions)
	return nil
}

// probe runs the synthetic journeys.
func (h *house) probe(conf config.Config) error {
	journeys, err := readJourneys(conf)
	if err != nil || len(journeys) == 0 {
		return err
	}
	runner, err := synthetic.New(synthetic.Config{Journeys: journeys, Sink: h.metrics, Spans: h.spans, Secrets: journeySecrets(conf),
		Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), Now: time.Now})
	if err != nil {
		return err
	}
	h.journeys = func() any { return runner.Results() }
	h.keep("running journeys", runner, runner.Run)
	return nil
}

// journeySecrets reads what ${secret:name} stands for; nil: nothing.
func journeySecrets(conf config.Config) func(string) (string, error) {
	if conf.Secrets == "" {
		return nil
	}
	return synthetic.SecretsIn(conf.Secrets)
}

// answerPromQL serves what Grafana asks a Prometheus.
func (h *house) answerPromQL(log *slog.Logger) error {
	api, err := promapi.New(promapi.Config{Queryable: h.metrics.Queryable(), Engine: h.metrics.Engine(), Head: h.metrics.HeadStats, Targets: h.targets, Concurrency: 4, Now: time.Now, Logger: log})
	if err != nil {
		return err
	}
	h.mounts["/prometheus/"] = http.StripPrefix("/prometheus", api)
	return nil
}
