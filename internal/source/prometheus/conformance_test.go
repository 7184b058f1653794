package prometheus

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/source/remote"
	"github.com/pitwall/pitwall/internal/store/storetest"
)

// realPrometheus starts the distribution's Prometheus, under a path of its own,
// with series in it and gives its address and version. Without the programs the
// test is skipped, and says so.
func realPrometheus(t *testing.T, load []pitwall.Series) (url, version string) {
	t.Helper()
	server, err := exec.LookPath("prometheus")
	promtool, err2 := exec.LookPath("promtool")
	if err != nil || err2 != nil {
		t.Skip("SKIPPED: no prometheus and promtool here; install the package prometheus to run this against a real one")
	}
	dir := t.TempDir()
	data, metrics, config := filepath.Join(dir, "data"), filepath.Join(dir, "metrics"), filepath.Join(dir, "prometheus.yml")
	for path, content := range map[string]string{metrics: openMetrics(load), config: "global: {}\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(promtool, "tsdb", "create-blocks-from", "openmetrics", metrics, data).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	var log bytes.Buffer
	cmd := exec.Command(server, "--config.file="+config, "--storage.tsdb.path="+data, "--storage.tsdb.retention.time=100y",
		"--web.listen-address="+address, "--web.external-url=http://"+address+"/prom", "--log.level=warn")
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the server said:\n%s", log.String())
		}
	})
	url = "http://" + address + "/prom"
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(url + "/-/ready")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(end) {
			t.Fatalf("prometheus does not become ready: %v\n%s", err, log.String())
		}
	}
	out, _ := exec.Command(server, "--version").CombinedOutput()
	fields := strings.Fields(string(out))
	if i := slices.Index(fields, "version"); i >= 0 && i+1 < len(fields) {
		version = fields[i+1]
	}
	return url, version
}

// openMetrics writes series the way promtool reads them.
func openMetrics(series []pitwall.Series) string {
	var b strings.Builder
	for _, s := range series {
		var labels []string
		for k, v := range s.Labels {
			if k != "__name__" {
				labels = append(labels, fmt.Sprintf("%s=%q", k, v))
			}
		}
		slices.Sort(labels)
		for i := range s.T {
			fmt.Fprintf(&b, "%s{%s} %s %d.%03d\n", s.Labels["__name__"], strings.Join(labels, ","),
				strconv.FormatFloat(s.V[i], 'g', -1, 64), s.T[i]/1000, s.T[i]%1000)
		}
	}
	return b.String() + "# EOF\n"
}

// TestConformance runs the suite that every metrics store passes, and what only
// a server elsewhere must do.
func TestConformance(t *testing.T) {
	url, version := realPrometheus(t, storetest.FixedSeries())
	t.Log("against: real Prometheus " + version)
	c, err := New(Config{Server: remote.Server{URL: url, Timeout: 30 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	storetest.RunMetrics(t, func(*testing.T, []pitwall.Series) pitwall.MetricReader { return c })
	t.Run("Samples", func(t *testing.T) {
		storetest.RunSamples(t, func(*testing.T, []pitwall.Series) pitwall.SampleReader { return c })
	})
	t.Run("Counts", func(t *testing.T) { counts(t, c) })
	t.Run("Probe", func(t *testing.T) {
		if err := c.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h := c.Health()[0]; !h.Up || h.LastSeen.IsZero() || !strings.Contains(h.Message, version) || h.Blind == "" {
			t.Errorf("health %+v, want version %s", h, version)
		}
	})
	t.Run("MorePointsThanAtOnce", func(t *testing.T) { morePoints(t, c) })
	t.Run("WrongPath", func(t *testing.T) {
		astray, err := New(Config{Server: remote.Server{URL: strings.TrimSuffix(url, "/prom")}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = astray.Query(t.Context(), "vector(1)", time.Time{}); pitwall.KindOf(err) != pitwall.Invalid || pitwall.HintOf(err) == "" {
			t.Errorf("%v (hint %q)", err, pitwall.HintOf(err))
		}
	})
}

// morePoints asks for 25,000 points, which the server refuses to give at once.
func morePoints(t *testing.T, c *Client) {
	p := pitwall.Period{From: storetest.MetricsBegin(), To: storetest.MetricsBegin().Add(25 * time.Minute)}
	step := 60 * time.Millisecond
	got, err := c.QueryRange(t.Context(), `shop_requests_total`, p, step)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 {
		t.Fatalf("%d series, want 2: the pieces are not joined", len(got))
	}
	for _, s := range got {
		if len(s.T) != 25_000 {
			t.Fatalf("%d points, want 25000", len(s.T))
		}
		for i, ms := range s.T {
			if want := p.From.UnixMilli() + int64(i)*step.Milliseconds(); ms != want {
				t.Fatalf("point %d is at %d, want %d", i, ms, want)
			}
		}
	}
}
