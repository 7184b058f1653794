package scrape

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"

	"github.com/pitwall/pitwall"
)

const (
	startOp         = "starting the scraper"
	defaultInterval = 15 * time.Second
	defaultTimeout  = 10 * time.Second
	// What one target may name; an answer beyond it is refused whole.
	labelLimit      = 64
	labelNameLimit  = 512
	labelValueLimit = 8 << 10
)

// translated is the jobs in Prometheus' words. Its configuration counts as valid
// only after it was read from text.
func (c Config) translated() (*config.Config, error) {
	if c.Store == nil {
		return nil, pitwall.Errorf(pitwall.Invalid, startOp, "it needs a store")
	}
	whole := config.Config{GlobalConfig: config.DefaultGlobalConfig}
	names := map[string]bool{}
	for i, j := range c.Jobs {
		err := j.fit(c.YAML != nil)
		if err == nil && names[j.Name] {
			err = errors.New("another job has the same name")
		}
		if err != nil {
			return nil, &pitwall.Error{Op: startOp, Kind: pitwall.Invalid, ID: fmt.Sprintf("job %d %q", i+1, j.Name), Err: err,
				Hint: "a job needs a name and targets, such as 127.0.0.1:9090, or a targets file"}
		}
		names[j.Name] = true
		whole.ScrapeConfigs = append(whole.ScrapeConfigs, c.scrapeConfig(j))
	}
	valid, err := config.Load(whole.String(), c.Logger)
	if err != nil {
		return nil, &pitwall.Error{Op: startOp, Kind: pitwall.Invalid, Err: err}
	}
	return valid, nil
}

func (c Config) scrapeConfig(j Job) *config.ScrapeConfig {
	sc := config.DefaultScrapeConfig
	sc.JobName = j.Name
	sc.ScrapeInterval, sc.ScrapeTimeout = model.Duration(j.interval()), model.Duration(j.timeout())
	if j.Path != "" {
		sc.MetricsPath = j.Path
	}
	if j.Scheme != "" {
		sc.Scheme = j.Scheme
	}
	// Many small exporters do not say what their text is.
	sc.ScrapeFallbackProtocol = config.PrometheusText0_0_4
	sc.SampleLimit = uint(c.SampleLimit)
	setBytes(&sc.BodySizeLimit, c.BodyLimit)
	sc.TargetLimit = uint(c.TargetLimit)
	sc.LabelLimit, sc.LabelNameLengthLimit, sc.LabelValueLengthLimit = labelLimit, labelNameLimit, labelValueLimit
	if j.BearerTokenFile != "" {
		sc.HTTPClientConfig.Authorization = &commoncfg.Authorization{Type: "Bearer", CredentialsFile: j.BearerTokenFile}
	}
	return &sc
}

// setBytes spares us the name of the field's type, which is another module's.
func setBytes[T ~int64](field *T, n int64) { *field = T(n) }

func (j Job) interval() time.Duration {
	if j.Interval == 0 {
		return defaultInterval
	}
	return j.Interval
}

func (j Job) timeout() time.Duration {
	if j.Timeout == 0 {
		return min(defaultTimeout, j.interval())
	}
	return j.Timeout
}

// fit says what is wrong with a job.
func (j Job) fit(yaml bool) error {
	switch {
	case j.Name == "":
		return errors.New("no name")
	case len(j.Targets) == 0 && j.FileSD == "":
		return errors.New("neither targets nor a targets file")
	case j.FileSD != "" && isYAML(j.FileSD) && !yaml:
		return fmt.Errorf("the targets file %s must be JSON", j.FileSD)
	case j.Scheme != "" && j.Scheme != "http" && j.Scheme != "https":
		return fmt.Errorf("scheme %q is neither http nor https", j.Scheme)
	case j.Path != "" && !strings.HasPrefix(j.Path, "/"):
		return fmt.Errorf("path %q does not begin with /", j.Path)
	case j.interval() < time.Millisecond || j.timeout() < time.Millisecond:
		return errors.New("an interval or timeout of less than a millisecond")
	case j.timeout() > j.interval():
		return fmt.Errorf("timeout %v is longer than the interval %v", j.timeout(), j.interval())
	}
	if err := checkLabels(j.Labels); err != nil {
		return err
	}
	if j.BearerTokenFile != "" {
		if err := readable(j.BearerTokenFile); err != nil {
			return fmt.Errorf("opening the token file: %w", err)
		}
	}
	return checkTargets(j.Targets)
}

func checkTargets(targets []string) error {
	for _, t := range targets {
		if _, _, err := net.SplitHostPort(t); err != nil || strings.ContainsAny(t, "/@ ") {
			return fmt.Errorf("target %q is not host:port", t)
		}
	}
	return nil
}

func checkLabels(labels map[string]string) error {
	for name, value := range labels {
		if !model.UTF8Validation.IsValidLabelName(name) || !model.LabelValue(value).IsValid() {
			return fmt.Errorf("label %q=%q is not valid UTF-8", name, value)
		}
	}
	return nil
}

// withoutURL leaves out the address a request went to: its parameters may be
// secrets, and the instance is named anyhow.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// readable says whether a file can be read, for a message at the start.
func readable(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return f.Close()
}
