package scrape

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/metrics"
)

const (
	interval = 200 * time.Millisecond
	timeout  = 150 * time.Millisecond
)

func open(t *testing.T) *metrics.Store {
	t.Helper()
	s, err := metrics.Open(t.TempDir(), metrics.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// run starts a Scraper and stops it at the end of the test, before its store.
func run(t *testing.T, c Config) *Scraper {
	t.Helper()
	c.Reload = 50 * time.Millisecond
	for i := range c.Jobs {
		c.Jobs[i].Interval, c.Jobs[i].Timeout = interval, timeout
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		work.Wait()
	})
	return s
}

// target answers with a body and counts how often it was asked.
func target(t *testing.T, kind, body string) (address string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := asked.Add(1)
		if kind != "" {
			w.Header().Set("Content-Type", kind)
		}
		_, _ = io.WriteString(w, strings.ReplaceAll(body, "COUNT", fmt.Sprint(n)))
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), asked
}

func query(t *testing.T, s *metrics.Store, q string) []pitwall.Series {
	t.Helper()
	got, err := s.Query(context.Background(), q, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// eventually waits until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(8 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func find(t *testing.T, all []pitwall.SourceHealth, name string) pitwall.SourceHealth {
	t.Helper()
	for _, h := range all {
		if h.Name == name {
			return h
		}
	}
	t.Fatalf("no health of %q in %+v", name, all)
	return pitwall.SourceHealth{}
}

func TestTargetsOfAllSorts(t *testing.T) {
	s := open(t)
	text, _ := target(t, "text/plain; version=0.0.4", "# TYPE hits counter\nhits{job=\"own\",zone=\"a\"} COUNT\n")
	open1, _ := target(t, "application/openmetrics-text; version=1.0.0; charset=utf-8",
		"# TYPE orders counter\norders_total COUNT # {trace_id=\"abc\"} 1\n# TYPE wait histogram\nwait_bucket{le=\"1\"} 3\nwait_bucket{le=\"+Inf\"} 4\nwait_count 4\nwait_sum 9\n# EOF\n")
	bare, _ := target(t, "", "bare 7\n")
	garbage, _ := target(t, "text/plain; version=0.0.4", "<html>\x00 not metrics at all</html>")
	wide, _ := target(t, "text/plain; version=0.0.4", strings.Repeat("wide{a=\"x\"} 1\n", 3)+manyLines(200))
	long, _ := target(t, "text/plain; version=0.0.4", "long 1\n"+strings.Repeat("# filler\n", 3000))
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}))
	defer hanging.Close()
	defer close(release)
	hang := strings.TrimPrefix(hanging.URL, "http://")
	sc := run(t, Config{Store: s.Appendable(), SampleLimit: 100, BodyLimit: 20_000, Jobs: []Job{{
		Name: "shop", Targets: []string{text, open1, bare, garbage, wide, long, hang}, Labels: map[string]string{"env": "test"}}}})

	eventually(t, "all answered or failed", func() bool {
		return len(query(t, s, "up")) == 7 && len(query(t, s, "count_over_time(up[1m]) >= 4")) == 7
	})
	for q, want := range map[string]int{
		fmt.Sprintf(`hits{exported_job="own",job="shop",zone="a",env="test",instance=%q} >= 2`, text): 1,
		`orders_total{job="shop",env="test"} >= 2`:                                                    1,
		`histogram_quantile(0.5, wait_bucket)`:                                                        1,
		`bare == 7`:                                                                                   1,
		`wide`:                                                                                        0, // over the bound: nothing of it
		`long`:                                                                                        0,
		`max_over_time(up[1m]) == 1`:                                                                  3,
		fmt.Sprintf(`up{instance=%q} == 0`, hang):                                                     1,
		fmt.Sprintf(`scrape_samples_scraped{instance=%q}`, text):                                      1,
	} {
		if got := query(t, s, q); len(got) != want {
			t.Errorf("%s gave %d series, want %d: %v", q, len(got), want, got)
		}
	}
	eventually(t, "the text target is up", func() bool { return find(t, sc.Health(), "scrape shop "+text).Up })
	all := sc.Health()
	if h := find(t, all, "scrape shop "+text); h.Accepted < 4 || h.Message != "" || h.Blind != "" || time.Since(h.LastSeen) > 5*time.Second {
		t.Errorf("health of the text target: %+v", h)
	}
	for address, want := range map[string]string{garbage: "expected", wide: "sample limit", long: "body size limit", hang: "deadline exceeded"} {
		h := find(t, all, "scrape shop "+address)
		if h.Up || !strings.Contains(h.Message, want) || h.Blind == "" || strings.Contains(h.Message, "http://") {
			t.Errorf("health of a bad target: %+v, want a message with %q", h, want)
		}
	}
	// The hanging target took its timeout each time; nobody else waited for it.
	if got := query(t, s, fmt.Sprintf(`quantile_over_time(0.5, scrape_duration_seconds{instance=%q}[1m]) > %v`, text, timeout.Seconds())); len(got) != 0 {
		t.Errorf("a good target took %v s", got[0].V)
	}
}

func manyLines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "wide{i=\"%d\"} 1\n", i)
	}
	return b.String()
}

func TestATargetThatGoesAwayEndsItsSeries(t *testing.T) {
	s := open(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "here 1\n")
	}))
	address := strings.TrimPrefix(server.URL, "http://")
	sc := run(t, Config{Store: s.Appendable(), Jobs: []Job{{Name: "shop", Targets: []string{address}}}})
	eventually(t, "here", func() bool { return len(query(t, s, "here")) == 1 })
	server.Close()
	eventually(t, "gone", func() bool { return len(query(t, s, "here")) == 0 && len(query(t, s, "up == 0")) == 1 })
	if got := query(t, s, "count_over_time(here[1m])"); len(got) != 1 {
		t.Errorf("its history went, too: %v", got)
	}
	if h := find(t, sc.Health(), "scrape shop "+address); h.Up || !strings.Contains(h.Message, "refused") {
		t.Errorf("health %+v", h)
	}
}

func TestTargetsFilesAreFollowed(t *testing.T) {
	s := open(t)
	a, _ := target(t, "text/plain", "m 1\n")
	b, _ := target(t, "text/plain", "m 1\n")
	dir := t.TempDir()
	asJSON, asYAML := filepath.Join(dir, "a.json"), filepath.Join(dir, "b.yaml")
	write := func(name, format string, args ...any) {
		t.Helper()
		if err := os.WriteFile(name+".new", fmt.Appendf(nil, format, args...), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".new", name); err != nil {
			t.Fatal(err)
		}
	}
	write(asYAML, "- targets: [%q]\n  labels: {env: prod}\n", b)
	sc := run(t, Config{Store: s.Appendable(), YAML: yaml.Unmarshal, Jobs: []Job{
		{Name: "json", FileSD: asJSON, Labels: map[string]string{"env": "test", "team": "shop"}}, {Name: "yaml", FileSD: asYAML}}})
	eventually(t, "the YAML file's target", func() bool { return len(query(t, s, `m{job="yaml",env="prod"}`)) == 1 })
	if h := find(t, sc.Health(), "scrape json targets"); h.Up || !strings.Contains(h.Message, "no such file") || h.Blind == "" {
		t.Errorf("health of a missing file: %+v", h)
	}
	write(asJSON, `[{"targets": [%q], "labels": {"env": "dev"}}]`, a)
	eventually(t, "the JSON file's target", func() bool { return len(query(t, s, `m{job="json",env="dev",team="shop"}`)) == 1 })
	write(asJSON, "[{\"targets\": [\"\n")
	eventually(t, "a broken file is told of", func() bool {
		return strings.Contains(find(t, sc.Health(), "scrape json targets").Message, "line ")
	})
	if got := query(t, s, `m{job="json"}`); len(got) != 1 {
		t.Errorf("a broken file took the target away: %v", got)
	}
	write(asJSON, `[]`)
	eventually(t, "a target taken out of the file is gone", func() bool { return len(query(t, s, `m{job="json"}`)) == 0 })
	if got := query(t, s, `m{job="yaml"}`); len(got) != 1 {
		t.Errorf("the other job's target: %v", got)
	}
	for _, h := range sc.Health() {
		if strings.HasPrefix(h.Name, "scrape json 127") {
			t.Errorf("health of a target that is gone: %+v", h)
		}
	}
}

func TestBearerTokenIsReadFromItsFileAndShownNowhere(t *testing.T) {
	s := open(t)
	var got atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.Store(r.Header.Get("Authorization") + " " + r.URL.Path)
		w.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sc := run(t, Config{Store: s.Appendable(), Jobs: []Job{{Name: "shop", Path: "/private",
		Targets: []string{strings.TrimPrefix(server.URL, "http://")}, BearerTokenFile: token}}})
	eventually(t, "asked", func() bool { return len(query(t, s, "up == 0")) == 1 })
	if got.Load() != "Bearer s3cret /private" {
		t.Errorf("the target saw %q", got.Load())
	}
	if h := sc.Health()[0]; !strings.Contains(h.Message, "403") || strings.Contains(fmt.Sprint(h), "s3cret") {
		t.Errorf("health %+v", h)
	}
}

func TestBadJobs(t *testing.T) {
	store := open(t).Appendable()
	good := Job{Name: "a", Targets: []string{"127.0.0.1:1"}}
	with := func(f func(*Job)) []Job {
		j := good
		f(&j)
		return []Job{j}
	}
	for want, jobs := range map[string][]Job{
		"no name":           with(func(j *Job) { j.Name = "" }),
		"neither targets":   with(func(j *Job) { j.Targets = nil }),
		"not host:port":     with(func(j *Job) { j.Targets = []string{"http://x/metrics"} }),
		"neither http nor":  with(func(j *Job) { j.Scheme = "ftp" }),
		"begin with /":      with(func(j *Job) { j.Path = "metrics" }),
		"longer than the":   with(func(j *Job) { j.Timeout = time.Minute }),
		"less than a":       with(func(j *Job) { j.Interval, j.Timeout = -1, -1 }),
		"must be JSON":      with(func(j *Job) { j.FileSD = "x.yaml" }),
		"opening the token": with(func(j *Job) { j.BearerTokenFile = "/nowhere" }),
		"valid UTF-8":       with(func(j *Job) { j.Labels = map[string]string{"a": "\xff"} }),
		"another job has":   {good, good},
	} {
		if _, err := New(Config{Store: store, Jobs: jobs}); pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	if _, err := New(Config{}); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("without a store: %v", err)
	}
}

func FuzzTargetsFile(f *testing.F) {
	f.Add([]byte(`[{"targets": ["127.0.0.1:9090"], "labels": {"env": "prod"}}]`), false)
	f.Add([]byte("- targets: ['127.0.0.1:9090']\n  labels: {env: prod}\n"), true)
	f.Add([]byte("null"), false)
	f.Fuzz(func(t *testing.T, content []byte, asYAML bool) {
		decode := decodeJSON
		if asYAML {
			decode = yaml.Unmarshal
		}
		groups, err := parse(content, decode)
		if (groups == nil) != (err != nil) {
			t.Fatalf("%v, %v", groups, err)
		}
		for _, g := range groups {
			if got := asGroup(g, Job{}, "x"); len(got.Targets) != len(g.Targets) {
				t.Errorf("%d targets of %d", len(got.Targets), len(g.Targets))
			}
		}
	})
}
