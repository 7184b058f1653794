package promapi

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/tsdb/index"
)

// speaks is the version of Prometheus whose language, engine and store are
// embedded. Clients choose by it what they may ask.
const speaks = "3.15.0"

// Target is something that is scraped.
type Target struct {
	Job       string            // the pool it belongs to
	URL       string            // a password in it is left out of answers
	Labels    map[string]string // what its series carry
	Health    string            // up, down or unknown
	LastError string
	// LastScrape is when it was last read, which took Took.
	LastScrape time.Time
	Took       time.Duration
	Interval   time.Duration
	Timeout    time.Duration
}

// Metadata is what a metric's sender said about it.
type Metadata struct {
	Metric string `json:"-"`
	Type   string `json:"type"` // counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown
	Help   string `json:"help"`
	Unit   string `json:"unit"`
}

// buildInfo is how Grafana finds out whom it speaks to.
func (a *API) buildInfo(w *answer) *failure {
	return w.success(struct {
		Version   string `json:"version"`
		Revision  string `json:"revision"`
		Branch    string `json:"branch"`
		BuildUser string `json:"buildUser"`
		BuildDate string `json:"buildDate"`
		GoVersion string `json:"goVersion"`
	}{Version: speaks, BuildUser: "pitwall", GoVersion: runtime.Version()})
}

// flags is empty: Pitwall has none of a Prometheus server's.
func (a *API) flags(w *answer) *failure { return w.success(map[string]string{}) }

// rules is empty: objectives and their alerts are not PromQL rules, and have
// pages of their own. Its parameters are checked all the same.
func (a *API) rules(w *answer) *failure {
	switch kind := strings.ToLower(w.form.Get("type")); kind {
	case "", "alert", "record":
	default:
		return wrong("type", fmt.Errorf("%q is neither alert nor record", kind))
	}
	if _, bad := a.selectors(w.form); bad != nil {
		return bad
	}
	return w.success(map[string][]struct{}{"groups": {}})
}

// alerts is empty, as rules is.
func (a *API) alerts(w *answer) *failure {
	return w.success(map[string][]struct{}{"alerts": {}})
}

// metadata lists what is known of metrics, at most limit of them, and
// limit_per_metric for each.
func (a *API) metadata(w *answer) *failure {
	most, each := -1, -1
	for name, n := range map[string]*int{"limit": &most, "limit_per_metric": &each} {
		s := w.form.Get(name)
		if s == "" {
			continue
		}
		var err error
		if *n, err = strconv.Atoi(s); err != nil {
			return wrong(name, fmt.Errorf("%q is not a number", s))
		}
	}
	only, out := w.form.Get("metric"), map[string][]Metadata{}
	for _, m := range a.Metadata() {
		if only != "" && m.Metric != only || slices.Contains(out[m.Metric], m) || each > 0 && len(out[m.Metric]) >= each {
			continue
		}
		if most >= 0 && len(out) >= most && out[m.Metric] == nil {
			continue
		}
		out[m.Metric] = append(out[m.Metric], m)
	}
	return w.success(out)
}

// activeTarget is a Target in Prometheus' words.
type activeTarget struct {
	Discovered   map[string]string `json:"discoveredLabels"`
	Labels       map[string]string `json:"labels"`
	Pool         string            `json:"scrapePool"`
	URL          string            `json:"scrapeUrl"`
	GlobalURL    string            `json:"globalUrl"`
	LastError    string            `json:"lastError"`
	LastScrape   time.Time         `json:"lastScrape"`
	LastDuration float64           `json:"lastScrapeDuration"` // seconds
	Health       string            `json:"health"`
	Interval     string            `json:"scrapeInterval"`
	Timeout      string            `json:"scrapeTimeout"`
}

// targets lists what is scraped; nothing is ever dropped.
func (a *API) targets(w *answer) *failure {
	active := []activeTarget{}
	state, pool := strings.ToLower(w.form.Get("state")), w.form.Get("scrapePool")
	if state != "dropped" {
		for _, t := range a.Targets() {
			if pool == "" || pool == t.Job {
				active = append(active, t.active())
			}
		}
	}
	return w.success(struct {
		Active  []activeTarget `json:"activeTargets"`
		Dropped []struct{}     `json:"droppedTargets"`
		Counts  map[string]int `json:"droppedTargetCounts"`
	}{active, []struct{}{}, map[string]int{}})
}

func (t Target) active() activeTarget {
	u := t.URL
	if parsed, err := url.Parse(t.URL); err == nil && parsed.User != nil {
		parsed.User = nil
		u = parsed.String()
	}
	labels := t.Labels
	if labels == nil {
		labels = map[string]string{}
	}
	return activeTarget{
		Discovered: map[string]string{}, Labels: labels, Pool: t.Job, URL: u, GlobalURL: u,
		LastError: t.LastError, LastScrape: t.LastScrape, LastDuration: t.Took.Seconds(), Health: t.Health,
		Interval: t.Interval.String(), Timeout: t.Timeout.String(),
	}
}

// count is one line of a list of the largest.
type count struct {
	Name  string `json:"name"`
	Value uint64 `json:"value"`
}

func counts(all []index.Stat) []count {
	out := make([]count, 0, len(all))
	for _, s := range all {
		out = append(out, count{s.Name, s.Count})
	}
	return out
}

const maxCounts = 10_000

// tsdbStatus counts the series in memory.
func (a *API) tsdbStatus(w *answer) *failure {
	if a.Head == nil {
		return &failure{notFound, fmt.Errorf("the store does not count its series")}
	}
	n := 10
	if s := w.form.Get("limit"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil || n < 1 || n > maxCounts {
			return wrong("limit", fmt.Errorf("%q is not a number from 1 to %d", s, maxCounts))
		}
	}
	leave, bad := a.enter(w.r.Context())
	if bad != nil {
		return bad
	}
	defer leave()
	head, chunks, err := a.Head(w.r.Context(), n)
	if err != nil {
		return failed(err)
	}
	type headStats struct {
		Series     uint64 `json:"numSeries"`
		LabelPairs int    `json:"numLabelPairs"`
		Chunks     int64  `json:"chunkCount"`
		MinTime    int64  `json:"minTime"`
		MaxTime    int64  `json:"maxTime"`
	}
	p := head.IndexPostingStats
	return w.success(struct {
		Head    headStats `json:"headStats"`
		Metrics []count   `json:"seriesCountByMetricName"`
		Labels  []count   `json:"labelValueCountByLabelName"`
		Memory  []count   `json:"memoryInBytesByLabelName"`
		Pairs   []count   `json:"seriesCountByLabelValuePair"`
	}{
		headStats{head.NumSeries, p.NumLabelPairs, chunks, head.MinTime, head.MaxTime},
		counts(p.CardinalityMetricsStats), counts(p.CardinalityLabelStats), counts(p.LabelValueStats), counts(p.LabelValuePairsStats),
	})
}

func (a *API) healthy(w http.ResponseWriter, _ *http.Request) {
	plain(w, http.StatusOK, "Pitwall is healthy.")
}

func (a *API) ready(w http.ResponseWriter, _ *http.Request) {
	if err := a.Ready(); err != nil {
		plain(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	plain(w, http.StatusOK, "Pitwall is ready.")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // the client may be gone
}
