package enforce_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/enforce"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func bytesOf(v float64, n int64) pitwall.Measure {
	return pitwall.Measure{Value: v, Unit: pitwall.UnitBytes, N: n}
}

func seconds(v float64, n int64) pitwall.Measure {
	return pitwall.Measure{Value: v, Unit: pitwall.UnitSeconds, N: n}
}

func closing() pitwall.Plan {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return pitwall.Plan{
		ID: "PIP-42", State: pitwall.Enforcing, Service: "checkout", SLO: "checkout-latency", OpenedAt: at,
		Opened: pitwall.OpenedData{
			Burn: pitwall.Burn{SLO: "checkout-latency"},
			Regression: pitwall.Regression{Service: "checkout", Operation: "POST /checkout", Signal: pitwall.SignalLatency,
				Before: seconds(.2404, 6000), After: seconds(1.41, 3000)},
		},
		Hypothesis: &pitwall.Hypothesis{
			Rank: 1, Service: "inventory", Class: pitwall.BottleneckPayload,
			Claim:    "The response of inventory POST /v1/items/lookup grew from 8.1 kB to 85 kB with v41",
			Disproof: "sizes fall back and latency does not",
			Change: &pitwall.Change{ID: "deploy-7", At: at.Add(-4 * time.Minute), Kind: pitwall.ChangeDeploy, Service: "inventory", Version: "v41",
				Summary: "full SKU details\nfor the app"},
			For: []pitwall.Evidence{{Claim: "GC 6 % → 31 % of checkout's CPU"}},
			Signal: pitwall.OwnSignal{Name: "response body of inventory POST /v1/items/lookup, median", Service: "inventory",
				Operation: "POST /v1/items/lookup", Field: "response_bytes", Before: bytesOf(8123.4, 900), After: bytesOf(85000, 400)},
		},
		Fix: &pitwall.Fix{Playbook: "rollback-payload", Title: "Roll inventory back to v40", Service: "inventory", Undo: "give v41 its traffic again",
			Enforce: []string{"response-size-gate", "runbook", "payload-alert", "latency-alert"}},
		Verification: &pitwall.Verification{P99Before: seconds(.24, 6000), P99During: seconds(1.41, 3000), P99After: seconds(.238, 6100)},
	}
}

func options() enforce.Options {
	return enforce.Options{
		Owner: "team-catalog", PublicURL: "https://pitwall.example/", Now: time.Date(2026, 3, 1, 12, 9, 0, 0, time.UTC),
		SampleRequests: []pitwall.GateRequest{{Method: "POST", Path: "/v1/items/lookup", Body: `{"skus":["SKU-0001"]}`}, {Method: "GET", Path: "/v1/items?ids=SKU-0001"}},
		Runbook:        pitwall.PlaybookText{Symptom: "Checkout is slow, request rate and errors are flat.", Commands: []string{"pitwall slo view checkout-latency"}},
	}
}

func render(t *testing.T, p pitwall.Plan, o enforce.Options) ([]pitwall.EnforcedFile, *pitwall.Gate) {
	t.Helper()
	locks, err := enforce.Render(p, o)
	if err != nil || len(locks.Missing) > 0 {
		t.Fatalf("%v, without %q", err, locks.Missing)
	}
	return locks.Files, locks.Gate
}

func TestRenderGolden(t *testing.T) {
	files, gate := render(t, closing(), options())
	again, _ := render(t, closing(), options())
	if d := cmp.Diff(files, again); d != "" {
		t.Errorf("rendering twice differs:\n%s", d)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Path)
		golden := filepath.Join("testdata", f.Path)
		if *update {
			if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, []byte(f.Content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), f.Content); d != "" {
			t.Errorf("%s (go test -update rewrites it):\n%s", f.Path, d)
		}
	}
	want := []string{
		"gates/inventory-response-size.yaml", "alerts/inventory-payload.rules.yaml", "alerts/inventory-payload.test.yaml",
		"alerts/checkout-latency.rules.yaml", "alerts/checkout-latency.test.yaml", "runbooks/inventory-payload.md",
	}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
	if gate == nil || gate.Limit() != 16246 || gate.MedianBytes != 8123 {
		t.Errorf("gate %+v", gate)
	}
	read, err := enforce.ParseGate("x", []byte(files[0].Content))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(*gate, read); d != "" {
		t.Errorf("the gate file reads back differently:\n%s", d)
	}
}

// TestPromtoolAccepts holds the rules and their unit tests against Prometheus itself.
func TestPromtoolAccepts(t *testing.T) {
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("SKIPPED: promtool is not installed (Debian: apt-get install prometheus), so the alert rules are unproven")
	}
	f := func(name string, p pitwall.Plan) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, _ := render(t, p, options())
			dir := t.TempDir()
			for _, f := range files {
				file := filepath.Join(dir, filepath.Base(f.Path))
				if err := os.WriteFile(file, []byte(f.Content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range files {
				var args []string
				switch {
				case strings.HasSuffix(f.Path, ".rules.yaml"):
					args = []string{"check", "rules", filepath.Base(f.Path)}
				case strings.HasSuffix(f.Path, ".test.yaml"):
					args = []string{"test", "rules", filepath.Base(f.Path)}
				default:
					continue
				}
				cmd := exec.Command("promtool", args...)
				cmd.Dir = dir
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
				}
			}
		})
	}
	f("flagship", closing())
	f("failures", failing())
	odd := closing()
	odd.Hypothesis.Signal.Service = `odd "service" {{x}}`
	odd.Hypothesis.Signal.Operation = `GET /items/{id}/{{y}}\z`
	odd.Hypothesis.Signal.Before = bytesOf(312_345_678, 3)
	odd.Hypothesis.Claim = "a {{ $value }} \"claim\"\nover lines: with # all"
	odd.Opened.Regression.Operation = "batch"
	odd.Opened.Regression.Before = seconds(.000123, 4)
	f("odd names and sizes", odd)
	tiny := closing()
	tiny.Hypothesis.Signal.Before = bytesOf(1, 1)
	f("one byte", tiny)
}

// TestTheRuleTestsCanFail spoils the rules: promtool must notice.
func TestTheRuleTestsCanFail(t *testing.T) {
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("SKIPPED: promtool is not installed (Debian: apt-get install prometheus)")
	}
	files, _ := render(t, closing(), options())
	f := func(old, new string) {
		t.Helper()
		dir := t.TempDir()
		for _, f := range files[1:3] {
			text := f.Content
			if strings.HasSuffix(f.Path, ".rules.yaml") {
				text = strings.Replace(text, old, new, 1)
				if text == f.Content {
					t.Fatalf("%q is not in the rules", old)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(f.Path)), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("promtool", "test", "rules", "inventory-payload.test.yaml")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err == nil {
			t.Errorf("with %q for %q the tests still pass:\n%s", new, old, out)
		}
	}
	f("> 16246", "> 1624600")
	f("> 1.5 *", "> 15 *")
	f("absent_over_time", "count_over_time")
	f("severity: page", "severity: inform")
}

func TestRenderRefuses(t *testing.T) {
	f := func(want string, spoil func(*pitwall.Plan, *enforce.Options)) {
		t.Helper()
		p, o := closing(), options()
		spoil(&p, &o)
		locks, err := enforce.Render(p, o)
		if err == nil || !strings.Contains(err.Error(), want) || locks.Files != nil || locks.Gate != nil {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	f("no fix", func(p *pitwall.Plan, _ *enforce.Options) { p.Fix = nil })
	f("no fix", func(p *pitwall.Plan, _ *enforce.Options) { p.Hypothesis = nil })
	f("no date", func(_ *pitwall.Plan, o *enforce.Options) { o.Now = time.Time{} })
	f("no request", func(p *pitwall.Plan, o *enforce.Options) {
		o.SampleRequests, p.Fix.Enforce = nil, []string{"response-size-gate"}
	})
	f("nobody knows", func(p *pitwall.Plan, _ *enforce.Options) { p.Fix.Enforce = []string{"moat"} })
}

// TestWhatIsNotKnownIsLeftOut: a lock without the knowledge it needs is said, by
// the runbook as well, and the others are left behind.
func TestWhatIsNotKnownIsLeftOut(t *testing.T) {
	f := func(missing int, want string, spoil func(*pitwall.Plan, *enforce.Options)) {
		t.Helper()
		p, o := closing(), options()
		spoil(&p, &o)
		locks, err := enforce.Render(p, o)
		if err != nil || len(locks.Missing) != missing || !strings.Contains(locks.Missing[0], want) {
			t.Fatalf("%v, without %q, want %q", err, locks.Missing, want)
		}
		if last := locks.Files[len(locks.Files)-1]; !strings.Contains(last.Content, "not left behind: "+locks.Missing[0]) {
			t.Errorf("the runbook does not say it:\n%s", last.Content)
		}
	}
	f(1, "response-size-gate: no request", func(_ *pitwall.Plan, o *enforce.Options) { o.SampleRequests = nil })
	f(2, "is not known", func(p *pitwall.Plan, _ *enforce.Options) { p.Hypothesis.Signal.Before = pitwall.Measure{} })
	f(2, "is not known", func(p *pitwall.Plan, _ *enforce.Options) { p.Hypothesis.Signal.Field = "duration" })
	f(1, "latency-alert: the latency", func(p *pitwall.Plan, _ *enforce.Options) { p.Opened.Regression.Before = pitwall.Measure{} })
}

// failing is a plan about requests that fail.
func failing() pitwall.Plan {
	p := closing()
	p.Fix.Enforce = []string{"latency-alert", "runbook"}
	p.Opened.Budget.Target = 0.995
	p.Opened.Regression.Signal = pitwall.SignalErrors
	p.Opened.Regression.Before = pitwall.Measure{Value: 0.001, Unit: pitwall.UnitRatio, N: 6000}
	p.Opened.Regression.After = pitwall.Measure{Value: 0.25, Unit: pitwall.UnitRatio, N: 3000}
	return p
}

// TestFailuresGetAnAlertOfTheirOwn: not about latency, which is not what burned.
func TestFailuresGetAnAlertOfTheirOwn(t *testing.T) {
	files, _ := render(t, failing(), options())
	if len(files) != 3 || files[0].Path != "alerts/checkout-errors.rules.yaml" || !strings.Contains(files[0].Content, "> 0.005") {
		t.Errorf("left behind: %+v", files)
	}
}

// TestTheBaselineKnowsTheSizeToo: the class was found by another signal.
func TestTheBaselineKnowsTheSizeToo(t *testing.T) {
	p := closing()
	p.Hypothesis.Signal.Field = "self_time"
	p.Baseline = &pitwall.Baseline{Operations: []pitwall.OperationStats{
		{Service: "payment", Operation: "POST /v1/items/lookup", ResponseMedian: bytesOf(1, 9)},
		{Service: "inventory", Operation: "POST /v1/items/lookup", ResponseMedian: bytesOf(5000, 9)},
	}}
	if _, gate := render(t, p, options()); gate.MedianBytes != 5000 {
		t.Errorf("got %+v", gate)
	}
}
