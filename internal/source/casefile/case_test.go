package casefile

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

const whole = `{"schema":"pitwall.case/1","id":"one","question":{"service":"cart","sli":"errors","alert_at":"2026-06-20T10:50:00Z",
	"alert":{"metric":"error_ratio","threshold":0.05,"observed":0.7}},
	"baseline":{"from":"2026-06-20T10:00:00Z","to":"2026-06-20T10:30:00Z"},
	"window":{"from":"2026-06-20T10:30:00Z","to":"2026-06-20T11:00:00Z"}}`

// folder writes a case.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if strings.HasSuffix(name, ".gz") {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, _ = z.Write([]byte(text))
			_ = z.Close()
			text = b.String()
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t testing.TB, files map[string]string) *Case {
	t.Helper()
	c, err := Open(folder(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *Case) all() pitwall.Period { return pitwall.Period{From: c.Baseline.From, To: c.Window.To} }

func TestMetricsOfThePeriod(t *testing.T) {
	base := time.Date(2026, 6, 20, 10, 0, 0, 0, time.UTC).Unix()
	row := func(min int64, rest string) string { return itoa(base+60*min) + "," + rest + "\n" }
	c := open(t, map[string]string{
		"case.json": strings.Replace(whole, `"window"`, `"metrics":["a.csv.gz","b.csv"],"window"`, 1),
		"a.csv.gz":  "time,service,metric,stat,value,source\n" + row(2, "cart,cpu,value,0.5,cpu_pct") + row(1, "cart,cpu,value,0.4,cpu_pct") + row(-1, "cart,cpu,value,9,cpu_pct"),
		"b.csv":     "value,time,service,metric,stat\n" + "7," + row(1, "cart,cpu,value")[:10] + ",cart,cpu,value\n" + "1," + itoa(base) + ",db,cpu,value\nNaN," + itoa(base+60) + ",db,cpu,value\n",
	})
	got, err := c.Measured(t.Context(), c.all())
	if err != nil {
		t.Fatal(err)
	}
	want := []pitwall.Measured{
		{Service: "cart", Metric: "cpu", Stat: "value", Source: "cpu_pct", T: []int64{(base + 60) * 1000, (base + 120) * 1000}, V: []float64{0.4, 0.5}},
		{Service: "db", Metric: "cpu", Stat: "value", T: []int64{base * 1000}, V: []float64{1}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func TestLogsClusteredAndAsLines(t *testing.T) {
	c := open(t, map[string]string{
		"case.json":         whole,
		"log_patterns.json": `[{"signature":"pool exhausted","service":"cart","count":540,"delta_vs_baseline":"+500","sentiment":"negative"}]`,
		"logs.jsonl": `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"db"}}]},"scopeLogs":[{"logRecords":[
{"timeUnixNano":"1781952000000000000","severityNumber":17,"body":{"stringValue":"disk 17 is full"}},
{"timeUnixNano":"1781950200000000000","severityNumber":9,"body":{"stringValue":"disk 3 is full"}}]}]}]}`,
	})
	// One line of the file is one request: the text above holds line feeds.
	raw, err := os.ReadFile(filepath.Join(c.dir, "logs.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, "logs.jsonl"), bytes.ReplaceAll(raw, []byte("\n"), nil), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := c.LogMoves(t.Context(), c.Baseline, c.Window)
	if err != nil {
		t.Fatal(err)
	}
	want := []pitwall.LogMove{
		{Service: "cart", Template: "pool exhausted", Before: 40, After: 540, Example: "pool exhausted", Bad: true},
		{Service: "db", Template: "disk <*> is full", Severity: 17, Before: 1, After: 1, Example: "disk 17 is full", Bad: true},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestProfilesAndChangesOfThePeriod(t *testing.T) {
	c := open(t, map[string]string{
		"case.json": whole,
		"profiles.json": `[{"file":"profiles/a.pb","service":"cart","type":"cpu","from":"2026-06-20T10:31:00Z","to":"2026-06-20T10:31:05Z","requests":12},
			{"file":"b.pb","service":"cart","type":"cpu","from":"2026-06-20T10:01:00Z","to":"2026-06-20T10:01:05Z"}]`,
		"profiles/a.pb": "aa", "profiles/b.pb": "bb",
		"changes.json": `[{"id":"abc","kind":"deploy","service":"cart","at":"2026-06-20T10:29:00Z","title":"tidy","diff":"@@ x @@\n-a\n+b","files":["x"]},
			{"id":"old","kind":"deploy","service":"cart","at":"2026-06-19T10:29:00Z"}]`,
	})
	w, err := c.Profiles(t.Context(), pitwall.ProfileQuery{Period: c.Window, Service: "cart", Type: pitwall.ProfileCPU})
	if err != nil || len(w) != 1 || string(w[0].Data) != "aa" || w[0].Requests != 12 {
		t.Errorf("profiles of the window: %+v, %v", w, err)
	}
	ch, err := c.Changes(t.Context(), c.all())
	if err != nil || len(ch) != 1 || ch[0].Diff == "" || ch[0].Summary != "tidy" || ch[0].Files[0] != "x" {
		t.Errorf("changes: %+v, %v", ch, err)
	}
	if _, err := c.Topology(t.Context(), c.all()); pitwall.KindOf(err) != pitwall.NotFound {
		t.Errorf("a missing topology: %v", err)
	}
}

// TestBadCases: the error says which file and what to do.
func TestBadCases(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		read  func(c *Case) error
		want  string
	}{
		"no case":      {files: map[string]string{}, want: "case.json"},
		"no JSON":      {files: map[string]string{"case.json": "{"}, want: "case.json"},
		"other schema": {files: map[string]string{"case.json": `{"schema":"x"}`}, want: `schema is "x"`},
		"no service":   {files: map[string]string{"case.json": strings.Replace(whole, `"cart"`, `""`, 1)}, want: "question.service"},
		"sli":          {files: map[string]string{"case.json": strings.Replace(whole, `"errors"`, `"speed"`, 1)}, want: `"speed"`},
		"empty window": {files: map[string]string{"case.json": strings.Replace(whole, "11:00", "10:30", 1)}, want: "window is empty"},
		"value": {files: map[string]string{"case.json": whole, "metrics.csv": "time,service,metric,stat,value\n1781950000,a,b,c,many\n"},
			read: func(c *Case) error { _, err := c.Measured(t.Context(), c.all()); return err }, want: "metrics.csv: line 2"},
		"header": {files: map[string]string{"case.json": whole, "metrics.csv": "a,b\n"},
			read: func(c *Case) error { _, err := c.Measured(t.Context(), c.all()); return err }, want: "lacks a column"},
		"spans": {files: map[string]string{"case.json": whole, "spans.jsonl": "\n{nonsense\n"},
			read: func(c *Case) error { _, err := c.Spans(t.Context(), pitwall.SpanQuery{Period: c.all()}); return err }, want: "spans.jsonl: line 2"},
		"profile outside": {files: map[string]string{"case.json": whole,
			"profiles.json": `[{"file":"../case.json","service":"cart","type":"cpu","from":"2026-06-20T10:31:00Z","to":"2026-06-20T10:31:05Z"}]`},
			read: func(c *Case) error {
				_, err := c.Profiles(t.Context(), pitwall.ProfileQuery{Period: c.all(), Service: "cart", Type: "cpu"})
				return err
			}, want: "outside"},
		"not packed": {files: map[string]string{"case.json": strings.Replace(whole, `"window"`, `"metrics":["m.csv.gz"],"window"`, 1)},
			read: func(c *Case) error { _, err := c.Measured(t.Context(), c.all()); return err }, want: "m.csv.gz"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Open(folder(t, c.files))
			if c.read != nil {
				if err != nil {
					t.Fatal(err)
				}
				err = c.read(got)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to say %q", err, c.want)
			}
		})
	}
}

// FuzzMetrics: no table is worth a panic.
func FuzzMetrics(f *testing.F) {
	f.Add("time,service,metric,stat,value\n1781950000,a,b,c,1\n")
	f.Add("value,stat,metric,service,time\n\"x\n")
	f.Fuzz(func(t *testing.T, text string) {
		tab := table{byKey: map[seriesKey]*pitwall.Measured{}, period: pitwall.Period{From: time.Unix(0, 0), To: time.Unix(1<<40, 0)}}
		if tab.add(strings.NewReader(text)) != nil {
			return
		}
		for _, s := range tab.series() {
			for i := 1; i < len(s.T); i++ {
				if s.T[i] <= s.T[i-1] {
					t.Fatalf("times do not rise: %v", s.T)
				}
			}
		}
	})
}
