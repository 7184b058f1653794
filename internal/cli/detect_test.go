package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pitwall/pitwall/internal/report"
)

// stepFile writes 400 hourly values with a step of 8 deviations at row 250, one
// of them missing; quiet: no step.
func stepFile(t *testing.T, name string, quiet bool) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(9, 9))
	var b strings.Builder
	b.WriteString("time,value\n")
	for i := range 400 {
		v := 100 + rng.NormFloat64()
		if i >= 250 && !quiet {
			v += 8
		}
		if i == 17 {
			fmt.Fprintf(&b, "%d,\n", 1_700_000_000+3600*i)
			continue
		}
		fmt.Fprintf(&b, "%d,%.3f\n", 1_700_000_000+3600*i, v)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDetectAFile: the change with its row, time, effect, interval and p, the
// same bytes every time.
func TestDetectAFile(t *testing.T) {
	file := stepFile(t, "latency.csv", false)
	s := run(t, "detect", file, "-o", "json")
	s.wants(t, 0)
	var v report.ScanView
	if err := json.Unmarshal([]byte(s.out), &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Changes) != 1 || v.Known != 399 || v.Points != 400 || v.Step != 3600 {
		t.Fatalf("%s", s.out)
	}
	c := v.Changes[0]
	if c.Index < 248 || c.Index > 252 || c.Kind != "step" || c.Interval[0] > 250 || c.Interval[1] < 250 || c.P <= 0 || c.P > 0.01 {
		t.Errorf("%+v", c)
	}
	if string(c.Time) != fmt.Sprint(1_700_000_000+3600*c.Index) {
		t.Errorf("time %s of row %d", c.Time, c.Index)
	}
	if c.Effect == nil || *c.Effect < 0.07 || *c.Effect > 0.09 || c.EffectInterval == nil {
		t.Errorf("effect %v %v", c.Effect, c.EffectInterval)
	}
	if again := run(t, "detect", file, "-o", "json"); again.out != s.out {
		t.Error("the second run prints something else")
	}
	for _, key := range []string{`"changes"`, `"suspect"`, `"anomalies"`, `"index"`, `"time"`, `"kind"`, `"effect"`, `"p"`, `"interval"`} {
		if !strings.Contains(s.out, key) {
			t.Errorf("%s is missing", key)
		}
	}
}

// TestDetectSeveral: a list for several files, a line for each as ndjson, in the
// order given; nothing found is said, not left out.
func TestDetectSeveral(t *testing.T) {
	quiet, step := stepFile(t, "quiet.csv", true), stepFile(t, "step.csv", false)
	var list []report.ScanView
	s := run(t, "detect", quiet, step, "-o", "json")
	if err := json.Unmarshal([]byte(s.out), &list); err != nil || len(list) != 2 {
		t.Fatalf("%v %s", err, s.out)
	}
	if len(list[0].Changes) != 0 || list[0].Changes == nil || list[0].File != quiet || len(list[1].Changes) != 1 {
		t.Errorf("%+v", list)
	}
	lines := strings.Split(strings.TrimSpace(run(t, "detect", quiet, step, "-o", "ndjson").out), "\n")
	if len(lines) != 2 || !json.Valid([]byte(lines[0])) || !json.Valid([]byte(lines[1])) {
		t.Errorf("%q", lines)
	}
	run(t, "detect", quiet).wants(t, 0, "no change")
	run(t, "detect", step).wants(t, 0, "step up of", "at row")
	run(t, "detect", quiet, "--exit-code").wants(t, 0)
	run(t, "detect", quiet, step, "--exit-code").wants(t, 1)
}

// TestDetectDraws: one page that needs nothing else, the change marked.
func TestDetectDraws(t *testing.T) {
	s := run(t, "detect", stepFile(t, "step<1>.csv", false), "-o", "html")
	s.wants(t, 0, "<!doctype html>", "<svg", `class="mark change"`, "step&lt;1&gt;.csv")
	if strings.Contains(s.out, "http://") || strings.Contains(s.out, "https://") || strings.Contains(s.out, "<script") {
		t.Error("the page needs something from elsewhere")
	}
}

// TestDetectReadsStandardInput: what a Prometheus answers.
func TestDetectReadsStandardInput(t *testing.T) {
	var values []string
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		v := 5 + rng.NormFloat64()
		if i >= 120 {
			v += 10
		}
		values = append(values, fmt.Sprintf(`[%d,"%g"]`, 1_700_000_000+15*i, v))
	}
	text := `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"a"},"values":[` + strings.Join(values, ",") + `]}]}}`
	var out, errout bytes.Buffer
	code := Run(t.Context(), Env{Args: []string{"detect", "-", "-o", "ndjson"}, Stdin: strings.NewReader(text), Stdout: &out, Stderr: &errout, Getenv: func(string) string { return "" }})
	var v report.ScanView
	if err := json.Unmarshal(out.Bytes(), &v); code != 0 || err != nil || len(v.Changes) != 1 || v.Step != 15 {
		t.Errorf("%d %v %s%s", code, err, out.String(), errout.String())
	}
}

func TestDetectRefuses(t *testing.T) {
	file := stepFile(t, "x.csv", true)
	bad := filepath.Join(t.TempDir(), "bad.csv")
	if err := os.WriteFile(bad, []byte("time,value\n1,2\n2,two\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	two := filepath.Join(t.TempDir(), "two.csv")
	if err := os.WriteFile(two, []byte("time,a,b\n1,2,3\n2,3,4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "detect").wants(t, 2, "pitwall detect --help")
	run(t, "detect", filepath.Join(t.TempDir(), "none.csv")).wants(t, 2, "none.csv")
	run(t, "detect", t.TempDir()).wants(t, 2, "it is a directory", "*.csv")
	run(t, "detect", file, bad).wants(t, 2, "bad.csv:3", `"two"`)
	run(t, "detect", file, "--alpha", "0").wants(t, 2, "--alpha")
	run(t, "detect", file, "--alpha", "NaN").wants(t, 2, "--alpha")
	run(t, "detect", file, "-o", "markdown").wants(t, 2, "ndjson")
	run(t, "detect", two, "--column", "c").wants(t, 2, `no column "c"`, "a, b")
	s := run(t, "detect", two, "--column", "b", "-o", "json")
	var v report.ScanView
	if err := json.Unmarshal([]byte(s.out), &v); err != nil || v.Column != "b" {
		t.Errorf("%v %s", err, s.out)
	}
}

// TestDetectSaysHowItRead: what is left out, what runs backwards, and what rows
// are called.
func TestDetectSaysHowItRead(t *testing.T) {
	for text, want := range map[string][]string{
		"date,commit,ns\n2026-11-01,abc,1\n2026-11-02,def,2\n": {`column "commit" holds words and is left out`, "TIME (UTC)"},
		"time,ns\n2026-11-02,1\n2026-11-01,2\n":                {"its newest row is first"},
		"build,ns\nv1,1\nv2,2\n":                               {"NAME"},
	} {
		path := filepath.Join(t.TempDir(), "x.csv")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, "detect", path).wants(t, 0, want...)
	}
}

// TestDetectOnline: when it would have rung as the points came, soon after the
// step and not before.
func TestDetectOnline(t *testing.T) {
	s := run(t, "detect", stepFile(t, "x.csv", false), "--online", "-o", "json")
	var v report.ScanView
	if err := json.Unmarshal([]byte(s.out), &v); err != nil || len(v.Alarms) != 1 {
		t.Fatalf("%v %+v", err, v.Alarms)
	}
	if a := v.Alarms[0]; a.Index < 251 || a.Index > 255 || a.Interval[0] > 250 || a.Interval[1] < 250 || !a.Up || a.P > 0.1 {
		t.Errorf("%+v", a)
	}
	run(t, "detect", stepFile(t, "y.csv", false), "--online").wants(t, 0, "alarm", "rang: from 100 to 108")
	if quiet := run(t, "detect", stepFile(t, "z.csv", false)); strings.Contains(quiet.out, "alarm") {
		t.Error("alarms nobody asked for")
	}
}
