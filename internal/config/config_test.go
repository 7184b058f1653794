package config

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pitwall/pitwall"
	"gopkg.in/yaml.v3"
)

func none(string) string { return "" }

// write puts text into a pitwall.yaml of its own directory.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pitwall.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultsAreValid(t *testing.T) {
	for _, text := range []string{"", "# only a comment\n", "---\n", "engine:\nslos:\n"} {
		c, err := Load(write(t, text), none)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		want := Default()
		want.Origins = c.Origins
		if diff := cmp.Diff(want, c); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	if c, err := Load("", none); err != nil || c.Origins["engine.tick"] != "default" {
		t.Errorf("without a file: %v, origin %q", err, c.Origins["engine.tick"])
	}
}

func TestPrecedence(t *testing.T) {
	path := write(t, `
listen:
  http: 127.0.0.1:9001
  otlp_http: 127.0.0.1:9002
slos: [slo/*.yaml, /etc/pitwall/slo.yaml]
policy: policy.yaml
ledger_step: 1s
services:
  - {name: checkout, owner: team-pay, tier: critical}
  - name: inventory
target:
  url: http://127.0.0.1:7000
  token_file: token
  services: [inventory, payment]
engine:
  deadline: 1d12h
  canary: {alpha: 0.02, margin: 0}
`)
	env := map[string]string{"PITWALL_LISTEN_OTLP_HTTP": "127.0.0.1:9003", "PITWALL_LISTEN_HTTP": "127.0.0.1:9004", "PITWALL_TARGET_SERVICES": "inventory,orders", "PITWALL_ENGINE_TICK": "2s"}
	c, err := Load(path, func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Set("listen.http", "127.0.0.1:9005", "flag --listen.http"); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	want := Default()
	want.Listen = Listen{HTTP: "127.0.0.1:9005", OTLPHTTP: "127.0.0.1:9003", OTLPGRPC: "127.0.0.1:4317"}
	want.SLOs = []string{filepath.Join(dir, "slo/*.yaml"), "/etc/pitwall/slo.yaml"}
	want.Policy = filepath.Join(dir, "policy.yaml")
	want.LedgerStep = time.Second
	want.Services = []Service{{Name: "checkout", Owner: "team-pay", Tier: "critical"}, {Name: "inventory"}}
	want.Target = Target{URL: "http://127.0.0.1:7000", TokenFile: filepath.Join(dir, "token"), Services: []pitwall.ServiceName{"inventory", "orders"}}
	want.Engine.Deadline, want.Engine.Tick = 36*time.Hour, 2*time.Second
	want.Engine.Canary.Alpha, want.Engine.Canary.Margin = 0.02, 0
	got := c
	got.Origins = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	for key, origin := range map[string]Origin{
		"listen.http": "flag --listen.http", "listen.otlp_http": "env PITWALL_LISTEN_OTLP_HTTP", "listen.otlp_grpc": "default",
		"engine.canary.alpha": Origin(path + ":17"), "data_dir": "default", "services": Origin(path + ":9"),
	} {
		if c.Origins[key] != origin {
			t.Errorf("origin of %s = %q, want %q", key, c.Origins[key], origin)
		}
	}
	if c.OwnerOf("checkout") != "team-pay" || c.OwnerOf("inventory") != "unowned" || c.OwnerOf("new") != "unowned" {
		t.Error("owners are wrong")
	}
}

func TestRefusals(t *testing.T) {
	f := func(text, wantLine, wantCause string) {
		t.Helper()
		path := write(t, text)
		_, err := Load(path, none)
		var e *pitwall.Error
		if !errors.As(err, &e) || e.Kind != pitwall.Invalid || e.ID != path+wantLine || !strings.Contains(e.Err.Error(), wantCause) || e.Hint == "" {
			t.Errorf("%q:\n got %v\nwant %s %s", text, err, wantLine, wantCause)
		}
	}
	f("slo: [a]", ":1", `unknown field "slo": did you mean "slos"?`)
	f("owner: me\nengine:\n  tik: 1s\n", ":3", `did you mean "engine.tick"?`)
	f("services:\n  - {nme: a}\n", ":2", `did you mean "services.name"?`)
	f("engine: {tick: soon}", ":1", "cannot unmarshal !!str `soon` into time.Duration")
	f("engine: {tick: 5}", ":1", "cannot unmarshal !!int `5` into time.Duration")
	f("engine: {tick: 1d2}", ":1", `"1d2" is not a duration`)
	f("engine: {tick: 99999999d}", ":1", "into time.Duration")
	f("engine: {tick: 0s}", ":1", "engine.tick: must be more than zero")
	f("engine:\n  max_tries: -1\n", ":2", "engine.max_tries: must be more than zero")
	f("engine: {canary: {alpha: 1}}", ":1", "between 0 and 0.5")
	f("engine: {canary: {alpha: .nan}}", ":1", "between 0 and 0.5")
	f("engine: 5", ":1", `unknown field "engine"`)
	f("time_scale: 0.5", ":1", "between 1 and")
	f("ledger_step: 1500ms", ":1", "whole number of seconds")
	f("listen: {http: here}", ":1", `"here" is not host:port`)
	f("public_url: ftp://x", ":1", "not an http or https URL")
	f("target: {url: http://user:secret@host, services: [a]}", ":1", "must not carry a secret")
	f("target: {url: http://host}", ":1", "list of services")
	f("data_dir: ''", ":1", "a directory is needed")
	f("owner: a\nowner: b\n", ":2", "already defined")
	f("services: [{name: a}, {name: a}]", ":1", "listed twice")
	f("a: b: c", "", "mapping values are not allowed")
	f("owner: a\n---\nowner: b\n", ":3", "only one document")
	f("- a\n", ":1", "cannot unmarshal")
}

func TestRefusalsElsewhere(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"), none)
	if pitwall.KindOf(err) != pitwall.NotFound {
		t.Errorf("a missing file: %v", err)
	}
	_, err = Load("", func(name string) string {
		if name == "PITWALL_ENGINE_SETTLE" {
			return "later"
		}
		return ""
	})
	if err == nil || !strings.Contains(err.Error(), "env PITWALL_ENGINE_SETTLE: engine.settle") {
		t.Errorf("a bad variable: %v", err)
	}
	c, err := Load("", none)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Set("engine.tok", "1s", "flag --engine.tok"); err == nil || !strings.Contains(err.Error(), `did you mean "engine.tick"?`) {
		t.Errorf("an unknown flag: %v", err)
	}
	if err := c.Set("time_scale", "0", "flag --time-scale"); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err == nil || !strings.Contains(err.Error(), "flag --time-scale") {
		t.Errorf("Check does not name the flag: %v", err)
	}
}

func TestSLOFiles(t *testing.T) {
	path := write(t, "slos: ['slo-*.yaml']")
	c, err := Load(path, none)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.SLOFiles(); pitwall.KindOf(err) != pitwall.NotFound {
		t.Errorf("a pattern that matches nothing: %v", err)
	}
	for _, name := range []string{"slo-b.yaml", "slo-a.yaml"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := c.SLOFiles()
	if err != nil || len(files) != 2 || filepath.Base(files[0]) != "slo-a.yaml" {
		t.Errorf("files = %v, %v", files, err)
	}
}

func TestReadSecret(t *testing.T) {
	path := write(t, "  hush\n")
	if s, err := ReadSecret(path); err != nil || s != "hush" {
		t.Errorf("secret = %q, %v", s, err)
	}
	if _, err := ReadSecret(write(t, "\n")); err == nil {
		t.Error("an empty secret was accepted")
	}
}

// TestDocumented compares the reference with the code: every key stands in it
// with its default and its variable.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/config.md")
	if err != nil {
		t.Fatal(err)
	}
	var n yaml.Node
	if err := n.Encode(Default()); err != nil {
		t.Fatal(err)
	}
	defaults := map[string]string{}
	flatten(&n, "", func(key string, value *yaml.Node) { defaults[key] = value.Value })
	same := func(a, b string) bool {
		if days, isDays := strings.CutSuffix(a, "d"); isDays {
			if n, err := strconv.Atoi(days); err == nil {
				a = strconv.Itoa(24*n) + "h"
			}
		}
		da, err := time.ParseDuration(a)
		db, err2 := time.ParseDuration(b)
		return a == b || err == nil && err2 == nil && da == db
	}
	for _, line := range strings.Split(string(page), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		key, value := strings.Trim(cells[1], " `"), strings.Trim(cells[2], " `")
		want, known := defaults[key]
		if known && !same(value, want) {
			t.Errorf("%s: the page says %q, the code %q", key, value, want)
		}
		if known {
			delete(defaults, key)
		}
	}
	for key := range defaults {
		t.Errorf("%s is not in docs/reference/config.md", key)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("engine: {tick: 1d}\nslos: [a]\n")
	f.Add("services: [{name: a}]\ntarget: &a {url: http://x, services: [b]}\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "fuzz.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, none); err != nil && pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%v", err)
		}
	})
}

func TestSignalsThatCannotBe(t *testing.T) {
	f := func(text, says string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "pitwall.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, none); err == nil || !strings.Contains(err.Error(), says) || pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%s:\n got %v\nwant %s", text, err, says)
		}
	}
	f("metrics: {scrape: [{job: a, targets: ['http://x:1/metrics']}]}", "is not host:port")
	f("metrics: {scrape: [{job: a, targets: ['x:1'], scheme: ftp}]}", "neither http nor https")
	f("metrics: {scrape: [{job: a, targets: ['x:1'], interval: 5s, timeout: 10s}]}", "longer than interval")
	f("metrics: {scrape: [{job: a}]}", "neither file_sd nor targets")
	f("metrics: {scrape: [{job: a, tarets: ['x:1']}]}", `did you mean "metrics.scrape.targets"`)
	f("sources: {tempo: {url: 'http://t'}, jaeger: {url: 'http://j'}}", "one place")
	f("sources: {prometheus: {url: 'http://p', user: ann}}", "go together")
	f("kpis: [{name: a, query: up, better: big}]", "write more or less")
	f("traces: {sample: 2}", "between 0 and 1")
	f("traces: {disk: 10GB}", "64MiB or 10GiB")
	f("profiles: {types: [cpu, wall]}", `"wall" is none of`)
	f("changes: {services: [{source: a/b}]}", "both are needed")
}
