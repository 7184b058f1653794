package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"gopkg.in/yaml.v3"
)

// validate checks what a type alone cannot say; it returns the key at fault.
func (c Config) validate() (key string, err error) {
	var n yaml.Node
	if err := n.Encode(c); err != nil {
		return "", err
	}
	flatten(&n, "", func(k string, v *yaml.Node) {
		if bad := checkValue(k, v.Value); key == "" && bad != nil {
			key, err = k, bad
		}
	})
	if err != nil {
		return key, err
	}
	if key, err := c.validateLists(); err != nil {
		return key, err
	}
	if key, err := c.validateSources(); err != nil {
		return key, err
	}
	e := c.Engine
	switch {
	case c.DataDir == "":
		return "data_dir", fmt.Errorf("a directory is needed")
	case !(c.TimeScale >= 1 && c.TimeScale <= 1e6):
		return "time_scale", fmt.Errorf("%v must lie between 1 and 1,000,000", c.TimeScale)
	case c.LedgerStep < time.Second || c.LedgerStep%time.Second != 0:
		return "ledger_step", fmt.Errorf("%s is not a whole number of seconds", c.LedgerStep)
	case c.Target.URL != "" && len(c.Target.Services) == 0:
		return "target.url", fmt.Errorf("needs target.services, the list of services that may be changed")
	case c.Detection.Operations < 0 || c.Detection.Operations > 20_000:
		return "detection.operations", fmt.Errorf("%d must lie between 0 and 20,000", c.Detection.Operations)
	case !(c.Detection.MinEffect > 0 && c.Detection.MinEffect < 10):
		return "detection.min_effect", fmt.Errorf("%v must lie between 0 and 10; 0.1 is 10 %%", float64(c.Detection.MinEffect))
	case !isZone(c.Detection.Timezone):
		return "detection.timezone", fmt.Errorf("%q is no time zone such as Europe/Paris", c.Detection.Timezone)
	case !(c.Traces.Sample >= 0 && c.Traces.Sample <= 1):
		return "traces.sample", fmt.Errorf("%v must lie between 0 and 1", c.Traces.Sample)
	case !(c.Storage.PriceGiBMonth >= 0 && c.Storage.PriceGiBMonth < 1e9):
		return "storage.price_gib_month", fmt.Errorf("%v is not a price", c.Storage.PriceGiBMonth)
	case !(e.Canary.Alpha > 0 && e.Canary.Alpha < 0.5):
		return "engine.canary.alpha", fmt.Errorf("%v must lie between 0 and 0.5", e.Canary.Alpha)
	case !(e.Canary.Margin >= 0 && e.Canary.Margin < 1):
		return "engine.canary.margin", fmt.Errorf("%v must lie between 0 and 1", float64(e.Canary.Margin))
	}
	return "", nil
}

func isZone(name string) bool {
	_, err := time.LoadLocation(name)
	return err == nil
}

// validateLists checks what is written in lists.
func (c Config) validateLists() (key string, err error) {
	seen := map[pitwall.ServiceName]bool{}
	for _, s := range c.Services {
		if s.Name == "" || seen[s.Name] {
			return "services", fmt.Errorf("service %q has no name or is listed twice", s.Name)
		}
		seen[s.Name] = true
	}
	for _, t := range c.Profiles.Types {
		if !slices.Contains(pitwall.ProfileTypes(), t) {
			return "profiles.types", fmt.Errorf("%q is none of %v", t, pitwall.ProfileTypes())
		}
	}
	jobs := map[string]bool{}
	for _, j := range c.Metrics.Scrape {
		if j.Job == "" || jobs[j.Job] {
			return "metrics.scrape", fmt.Errorf("job %q has no name or is listed twice", j.Job)
		}
		if jobs[j.Job] = true; j.FileSD == "" && len(j.Targets) == 0 {
			return "metrics.scrape", fmt.Errorf("job %q has neither file_sd nor targets", j.Job)
		}
		if err := j.check(); err != nil {
			return "metrics.scrape", fmt.Errorf("job %q: %w", j.Job, err)
		}
	}
	kpis := map[string]bool{}
	for _, k := range c.KPIs {
		switch {
		case k.Name == "" || kpis[k.Name]:
			return "kpis", fmt.Errorf("KPI %q has no name or is listed twice", k.Name)
		case k.Query == "":
			return "kpis", fmt.Errorf("KPI %q has no query", k.Name)
		case !slices.Contains([]string{"", "more", "less"}, k.Better):
			return "kpis", fmt.Errorf("KPI %q: better is %q; write more or less", k.Name, k.Better)
		}
		kpis[k.Name] = true
	}
	for _, m := range c.Changes.Services {
		if m.Source == "" || m.Service == "" {
			return "changes.services", fmt.Errorf("source %q of service %q: both are needed", m.Source, m.Service)
		}
	}
	return "", nil
}

// check is what the scraper would refuse.
func (j Scrape) check() error {
	for _, target := range j.Targets {
		if _, _, err := net.SplitHostPort(target); err != nil {
			return fmt.Errorf("target %q is not host:port; path and scheme have keys of their own", target)
		}
	}
	switch {
	case !slices.Contains([]string{"", "http", "https"}, j.Scheme):
		return fmt.Errorf("scheme %q is neither http nor https", j.Scheme)
	case j.Interval < 0 || j.Timeout < 0:
		return fmt.Errorf("interval and timeout must be more than zero")
	case j.Interval > 0 && j.Timeout > j.Interval:
		return fmt.Errorf("timeout %v is longer than interval %v", j.Timeout, j.Interval)
	}
	return nil
}

// validateSources checks the stores that are read elsewhere.
func (c Config) validateSources() (key string, err error) {
	if c.Sources.Tempo.URL != "" && c.Sources.Jaeger.URL != "" {
		return "sources.jaeger.url", fmt.Errorf("traces are read from one place: sources.tempo or sources.jaeger")
	}
	for name, r := range map[string]Remote{"prometheus": c.Sources.Prometheus, "tempo": c.Sources.Tempo, "jaeger": c.Sources.Jaeger, "pyroscope": c.Sources.Pyroscope} {
		if (r.User == "") != (r.PasswordFile == "") {
			return "sources." + name + ".user", fmt.Errorf("user and password_file go together")
		}
	}
	return "", nil
}

// checkValue checks one value by the kind of its key.
func checkValue(key, text string) error {
	switch {
	case strings.HasPrefix(key, "listen."):
		if _, _, err := net.SplitHostPort(text); err != nil {
			return fmt.Errorf("%q is not host:port", text)
		}
	case strings.HasSuffix(key, "url") && text != "":
		u, err := url.Parse(text)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return fmt.Errorf("not an http or https URL")
		}
		if u.User != nil {
			return fmt.Errorf("a URL must not carry a secret; name a file instead")
		}
	case key != "engine.canary.margin" && key != "traces.sample" && key != "storage.price_gib_month" && (text == "0" || text == "0s" || strings.HasPrefix(text, "-")):
		return fmt.Errorf("must be more than zero")
	}
	return nil
}
