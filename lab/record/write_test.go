package record

import (
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/pprof/profile"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// madeRun is a run of 130 seconds in which payment's deploy at 65 s makes
// everything three times as slow.
func madeRun() *taken {
	tk := &taken{
		opt:    Options{ID: "lab-made", Story: "cpu", Seed: 3, RPS: 30, Pace: 1, Sample: .25, Warm: 8 * step / 5},
		tape:   newTape(),
		loaded: from(0), stopped: from(130),
		lab: labTruth{Story: "cpu", Injected: true, Service: "payment", Class: "cpu", Change: "deploy-payment-2"},
	}
	tk.tape.traces = newMade(9).run(30, 129, func(at float64) ask {
		return ask{took: pick(at < 67, .1, .3), version: map[bool]string{true: "v7", false: "v8"}[at < 65]}
	})
	tk.tape.changes = []announced{
		{ID: "deploy-payment-2", Time: from(65), Kind: "deploy", Service: "payment", Version: "v8", Summary: "Round amounts"},
		{ID: "deploy-edge-1", Time: from(30), Kind: "deploy", Service: "edge", Version: "v6", Summary: "Bump"},
	}
	for i := range 130 {
		s := source{"payment", "v7", "p"}
		tk.tape.metrics = append(tk.tape.metrics, s.metric("process.cpu.time", "s", counted(float64(i), -5, float64(i)/4)))
		tk.tape.logs = append(tk.tape.logs, line(float64(i), "paid"))
		if i%5 == 0 {
			tk.shots = append(tk.shots, shot{service: "payment", version: map[bool]string{true: "v7", false: "v8"}[i < 65], kind: "cpu",
				from: from(float64(i)), to: from(float64(i + 5)), prof: pprofOf(from(float64(i)), []string{"cpu"}, stack{int64(i), []string{"main.f"}})})
		}
	}
	return tk
}

func TestWriteCase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "case")
	rep, err := madeRun().write(dir)
	if err != nil {
		t.Fatal(err)
	}
	var c caseFile
	readInto(t, dir, "case.json", &c)
	if c.Schema != "pitwall.case/1" || c.ID != "lab-made" || c.Question.Service != "edge" || c.Question.Operation != "POST /checkout" || c.Question.SLI != "latency" ||
		c.Question.Alert == nil || c.Question.Alert.Observed < .2 || c.Sampling != .25 || c.Warnings != nil {
		t.Errorf("case.json is %+v", c)
	}
	if !c.Baseline.To.Equal(c.Window.From) || c.Baseline.To.After(from(67)) || c.Baseline.To.Before(from(55)) || c.Question.AlertAt.Before(from(80)) || c.Window.To.After(from(128)) {
		t.Errorf("the periods are %+v and %+v, alert at %s", c.Baseline, c.Window, c.Question.AlertAt)
	}
	var known truth
	readInto(t, dir, "truth.json", &known)
	var changes []change
	readInto(t, dir, "changes.json", &changes)
	if len(changes) != 2 || known.Change != changes[1].ID || len(known.Decoys) != 1 || known.Service != "payment" || known.None {
		t.Errorf("the truth is %+v, the changes %+v", known, changes)
	}
	var index []profileEntry
	readInto(t, dir, "profiles.json", &index)
	for _, e := range index {
		raw, err := os.ReadFile(filepath.Join(dir, e.File))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := profile.ParseData(raw); err != nil || e.Requests < 80 || e.Requests > 220 || e.From.Before(c.Baseline.From) {
			t.Errorf("%+v: %v", e, err)
		}
	}
	if len(index) < 20 || rep.Profiles != len(index) {
		t.Errorf("%d profiles, %d said", len(index), rep.Profiles)
	}
	if !rep.Effect.Fired || !rep.Effect.Proven || math.Abs(rep.Effect.After.Mean/rep.Effect.Before.Mean-3) > .5 || rep.Bytes == 0 {
		t.Errorf("the report is %+v", rep)
	}
	checkLines(t, dir)
}

// checkLines reads what the case holds line by line, as a reader would.
func checkLines(t *testing.T, dir string) {
	t.Helper()
	rows := unpacked(t, filepath.Join(dir, "metrics.csv.gz"))
	if string(rows[0]) != "time,service,metric,stat,value,source" {
		t.Errorf("metrics begin with %s", rows[0])
	}
	for _, want := range []string{",payment,cpu_cores,value,0.25,process.cpu.time", ",edge,sli_latency_seconds,p99,", ",cards-db,requests,rate,"} {
		if !slices.ContainsFunc(rows, func(r []byte) bool { return strings.Contains(string(r), want) }) {
			t.Errorf("no row has %q", want)
		}
	}
	for _, l := range unpacked(t, filepath.Join(dir, "logs.jsonl.gz")) {
		if ld, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(l); err != nil || ld.LogRecordCount() != 1 {
			t.Errorf("%s: %v", l, err)
		}
	}
}

// Losses are told, and a metric in a form that is not read is one.
func TestWriteCaseTellsLosses(t *testing.T) {
	tk := madeRun()
	edge := tk.tape.traces[900].ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	edge.RemoveIf(func(s ptrace.Span) bool { return s.Kind() == ptrace.SpanKindClient }) // the one between edge and payment
	tk.tape.metrics = append(tk.tape.metrics, source{"payment", "v7", "p"}.metric("x", "", func(m pmetric.Metric) { m.SetEmptySummary() }))
	rep, err := tk.write(filepath.Join(t.TempDir(), "case"))
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Warnings) != 2 || !strings.Contains(rep.Warnings[0], "a form that is not read") || !strings.Contains(rep.Warnings[1], "a parent that never arrived") {
		t.Errorf("warnings are %q", rep.Warnings)
	}
}

// The same run makes the same folder, byte for byte.
func TestWriteCaseIsDeterministic(t *testing.T) {
	read := func() map[string]string {
		dir := filepath.Join(t.TempDir(), "case")
		if _, err := madeRun().write(dir); err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				raw, err := os.ReadFile(path)
				out[strings.TrimPrefix(path, dir)] = string(raw)
				return err
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if a, b := read(), read(); !cmp.Equal(a, b) || len(a) < 10 {
		t.Errorf("two folders of %d and %d files differ", len(a), len(b))
	}
}

func TestWriteCaseWithoutRequests(t *testing.T) {
	tk := madeRun()
	tk.tape.traces = nil
	if _, err := tk.write(filepath.Join(t.TempDir(), "case")); err == nil || !strings.Contains(err.Error(), "POST /checkout") {
		t.Errorf("a run without requests gave %v", err)
	}
}

func TestQuietCase(t *testing.T) {
	tk := madeRun()
	tk.tape.traces = newMade(9).run(30, 129, func(float64) ask { return ask{took: .1} })
	tk.lab = labTruth{Story: "quiet", Class: "none"}
	dir := filepath.Join(t.TempDir(), "case")
	rep, err := tk.write(dir)
	if err != nil {
		t.Fatal(err)
	}
	var c caseFile
	readInto(t, dir, "case.json", &c)
	var known truth
	readInto(t, dir, "truth.json", &known)
	if rep.Effect.Fired || rep.Effect.Proven || c.Question.Alert != nil || !known.None || len(known.Decoys) != 2 || c.Baseline.To.Sub(c.Baseline.From) < reference*step {
		t.Errorf("report %+v, case %+v, truth %+v", rep.Effect, c, known)
	}
}

// A case tells nothing of its story to whoever reads all but the truth.
func TestCaseDoesNotConfess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "case")
	if _, err := madeRun().write(dir); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "case.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"story", "cpu", "payment", "seed"} {
		if strings.Contains(string(raw), word) {
			t.Errorf("case.json says %q:\n%s", word, raw)
		}
	}
}

func readInto(t *testing.T, dir, name string, v any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatal(name, err)
	}
}
