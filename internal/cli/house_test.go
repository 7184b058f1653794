package cli

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/config"
	"github.com/pitwall/pitwall/internal/report/storybook"
)

// address is a real house on a temporary directory, served.
type address struct{ page, otlp, data string }

// serveHouse wires everything serve wires and gives where it is reached. The
// record begins with the events given; with live the engine runs.
func serveHouse(t *testing.T, live bool, events ...pitwall.Event) address {
	t.Helper()
	dir := t.TempDir()
	slos, err := demoFiles.ReadFile("demofiles/checkout-latency.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"checkout-latency.yaml": strings.ReplaceAll(string(slos), "{{.Within}}", "500ms"),
		"pitwall.yaml":          "data_dir: data\nslos: [checkout-latency.yaml]\nledger_step: 1s\nengine: {tick: 100ms}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	conf, err := config.Load(filepath.Join(dir, "pitwall.yaml"), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	log := slog.New(slog.DiscardHandler)
	if len(events) > 0 { // as an earlier process left them
		h, err := wire(ctx, conf, log)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.recorder.Append(ctx, events...); err != nil {
			t.Fatal(err)
		}
		h.close(log)
	}
	h, err := wire(ctx, conf, log)
	if err != nil {
		t.Fatal(err)
	}
	page, otlp := httptest.NewServer(h.page), httptest.NewServer(h.receiver.Handler())
	done := make(chan error, 1)
	if live {
		go func() { done <- h.engine.Run(ctx) }()
	} else {
		done <- nil
	}
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && ctx.Err() == nil {
			t.Errorf("running the engine: %v", err)
		}
		page.Close()
		otlp.Close()
		h.close(log)
	})
	return address{page.URL, otlp.URL, filepath.Join(dir, "data")}
}

// checkouts sends requests of checkout as its own SDK would.
func checkouts(t *testing.T, otlp string, good, bad int) {
	t.Helper()
	exporter, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(otlp+"/v1/traces"))
	if err != nil {
		t.Fatal(err)
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "checkout"), attribute.String("service.version", "v12"))))
	now := time.Now()
	for i := range good + bad {
		begin := now.Add(-time.Duration(i) * 10 * time.Millisecond).Add(-time.Second)
		took := 40 * time.Millisecond
		if i >= good {
			took = 900 * time.Millisecond
		}
		_, span := tp.Tracer("test").Start(t.Context(), "POST /checkout", trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(begin),
			trace.WithAttributes(attribute.String("http.route", "/checkout"), attribute.Int("http.response.status_code", 200)))
		span.SetStatus(codes.Ok, "")
		span.End(trace.WithTimestamp(begin.Add(took)))
	}
	if err := tp.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func post(t *testing.T, url, body string) int {
	t.Helper()
	res, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// TestCommandsOnALiveHouse: telemetry from a real SDK goes in over HTTP, and the
// commands tell what became of it.
func TestCommandsOnALiveHouse(t *testing.T) {
	at := serveHouse(t, true)
	server := "--server=" + at.page

	run(t, "plan", "list", server).wants(t, 0, "No plan yet: nothing has burned")
	run(t, "slo", "list", server).wants(t, 0, "checkout-latency", "no data")
	checkouts(t, at.otlp, 399, 1)
	if status := post(t, at.page+"/api/v1/changes", `{"id":"deploy-1","kind":"deploy","service":"inventory","version":"v41","summary":"Serve full details"}`); status != http.StatusCreated {
		t.Errorf("announcing a change: status %d", status)
	}
	if status := post(t, at.page+"/api/v1/changes", `{"kind":"deploy"}`); status != http.StatusUnprocessableEntity {
		t.Errorf("a change without a service: status %d", status)
	}

	list := until(t, "399", "slo", "view", "checkout-latency", server)
	list.wants(t, 0, "1 bad", "99.75", "fast", "spent = bad / ((1 − target) × (good + bad))")
	run(t, "slo", "list", server).wants(t, 0, "checkout-latency", "99.75", "next: pitwall slo view checkout-latency")
	var slos struct {
		SLOs []struct{ Name, Good string } `json:"slos"`
	}
	s := run(t, "slo", "list", "-o", "json", server)
	if err := json.Unmarshal([]byte(s.out), &slos); err != nil || len(slos.SLOs) != 1 || slos.SLOs[0].Good != "399" {
		t.Errorf("%v: %s", err, s.out)
	}
	run(t, "slo", "view", "nonsense", server).wants(t, 2, "no such SLO", "try: pitwall slo list")

	run(t, "status", server).wants(t, 0, "Nothing burns", "changes", "otlp")
	run(t, "plan", "list", server).wants(t, 0, "No plan yet")
	run(t, "plan", "list", "--json", server).wants(t, 0, `"plans":[]`)
}

// TestAnnouncedSecretsAreNotKept: however a change is announced, what it says is
// kept and shown without its secrets.
func TestAnnouncedSecretsAreNotKept(t *testing.T) {
	at := serveHouse(t, false)
	server := "--server=" + at.page
	if status := post(t, at.page+"/api/v1/changes", `{"id":"config-1","kind":"config","service":"checkout","summary":"new password=hunter2","diff":"+db_password: hunter2",
		"diff_hints":["Authorization: Bearer hunter2hunter2"],"config":{"db.password":"hunter2","pool":"5"},"flags":{"apiKey":"hunter2"},"link":"https://ci:hunter2@ci.example/5"}`); status != http.StatusCreated {
		t.Fatalf("announcing a change: status %d", status)
	}
	run(t, "change", "add", server, "--service=checkout", "--kind=config", "--id=config-2", "--summary=rotated token=hunter2", "--hint=redis://:hunter2@cache").wants(t, 0)
	for _, args := range [][]string{{"change", "list"}, {"change", "list", "-o", "json"}} {
		s := run(t, append(args, server)...)
		s.wants(t, 0, "config-1", "config-2", "password=***", "token=***")
		if strings.Contains(s.out, "hunter2") {
			t.Errorf("%v tells a secret: %s", args, s.out)
		}
	}
	read := 0
	err := filepath.WalkDir(at.data, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(name)
		if strings.Contains(string(raw), "hunter2") {
			t.Errorf("%s tells a secret", name)
		}
		if strings.Contains(string(raw), "config-1") {
			read++
		}
		return err
	})
	if err != nil || read == 0 {
		t.Errorf("%d files hold the change, %v", read, err)
	}
}

// until repeats a command until its output holds a text.
func until(t *testing.T, text string, args ...string) said {
	t.Helper()
	deadline := time.Now().Add(8 * time.Second)
	for {
		s := run(t, args...)
		if strings.Contains(s.out, text) || time.Now().After(deadline) {
			s.wants(t, 0, text)
			return s
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// TestPlanCommands works on a record that holds a closed plan and one that
// waits for a person, as after a restart.
func TestPlanCommands(t *testing.T) {
	var events []pitwall.Event
	for _, c := range storybook.Plans() {
		if c.Name == "closed" || c.Name == "asking" {
			events = append(events, c.Plan.Events...)
		}
	}
	const closed, asking = "PIP-1", "PIP-3"
	server := "--server=" + serveHouse(t, false, events...).page

	run(t, "plan", "list", server).wants(t, 0, closed, asking, "next: pitwall plan view "+asking)
	run(t, "plan", "view", closed, server).wants(t, 0, "inventory", "v41")
	run(t, "plan", "view", closed, "-o", "markdown", server).wants(t, 0, "# ")
	run(t, "plan", "view", "PIP-99", server).wants(t, 2, "no such plan", "try: pitwall plan list")
	run(t, "plan", "export", "PIP-99", server).wants(t, 2, "no such plan")
	var p struct{ ID, State string }
	if s := run(t, "plan", "view", closed, "--json", server); json.Unmarshal([]byte(s.out), &p) != nil || p.ID != closed || p.State != "closed" {
		t.Errorf("plan view --json: %+v", p)
	}

	run(t, "plan", "export", closed, server).wants(t, 0, "# ", "inventory")
	run(t, "plan", "export", closed, "-o", "html", server).wants(t, 0, "<!doctype html>")
	if s := run(t, "plan", "export", closed, "-o", "json", server); !json.Valid([]byte(s.out)) {
		t.Errorf("no JSON: %.200s", s.out)
	}
	file := filepath.Join(t.TempDir(), "plan.md")
	run(t, "plan", "export", closed, "--out", file, server).wants(t, 0, "wrote "+file)
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), closed) {
		t.Errorf("%v: %.200s", err, text)
	}
	run(t, "plan", "watch", closed, server).wants(t, 0, closed)
	run(t, "plan", "watch", asking, "--timeout", "50ms", server).wants(t, exitDeadline, asking)
	actions(t, server, closed, asking)
}

// actions does what a person may do to a plan.
func actions(t *testing.T, server, closed, asking string) {
	t.Helper()
	act := func(action, plan string, more ...string) said {
		t.Helper()
		return run(t, append([]string{"plan", action, plan, "--reason", "as agreed", server}, more...)...)
	}
	act("approve", closed).wants(t, 2, "does not wait for an approval")
	act("rollback", asking).wants(t, 2, "nothing was changed that could be taken back")
	act("approve", asking, "--dry-run").wants(t, 0, "would have approved")
	act("hold", asking).wants(t, 0, asking+": put on hold", "next: pitwall plan watch")
	run(t, "plan", "list", server).wants(t, 0, "Held")
	act("resume", asking).wants(t, 0, "resumed")
	act("note", asking, "--by", "bob").wants(t, 0, "added a note")
	s := act("approve", asking, "--json")
	var res pitwall.ActResult
	if err := json.Unmarshal([]byte(s.out), &res); err != nil || s.code != 0 || res.State != pitwall.Approved {
		t.Errorf("approved: exit %d, %v, %+v\n%s", s.code, err, res, s.errout)
	}
	act("approve", asking).wants(t, 2, "does not wait for an approval")

	run(t, "record", "list", server).wants(t, 0, "plan.opened", "plan.approved", "ann", "bob", "next: pitwall record verify")
	run(t, "record", "verify", server).wants(t, 0, "intact: ")
	export := run(t, "record", "export", server)
	file := filepath.Join(t.TempDir(), "record.jsonl")
	if err := os.WriteFile(file, []byte(export.out), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "record", "verify", "--file", file).wants(t, 0, "intact: ")
	if err := os.WriteFile(file, []byte(strings.Replace(export.out, `"actor":"bob"`, `"actor":"eve"`, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "record", "verify", "--file", file).wants(t, exitNo, "BROKEN", "edited")
}
