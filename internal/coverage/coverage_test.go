package coverage

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestContext(t *testing.T) {
	f := func(name string, s *shop, want map[pitwall.ServiceName][3]bool) { // whole, orphans, broken
		t.Helper()
		c := Context(&s.requests(200).b)
		for service, w := range want {
			got := c.Services[service]
			if got.Calls != got.Joined+got.Orphans+got.Broken {
				t.Errorf("%s: %s does not add up: %+v", name, service, got)
			}
			if is := [3]bool{got.Calls == got.Joined, got.Orphans > 0, got.Broken > 0}; is != w {
				t.Errorf("%s: %s is %+v", name, service, got)
			}
		}
	}
	whole := [3]bool{true, false, false}
	f("sound", newShop(1, "v41"), map[pitwall.ServiceName][3]bool{"edge": whole, "checkout": whole, "inventory": whole})
	lost := newShop(1, "v41")
	lost.noContext = true
	f("not read", lost, map[pitwall.ServiceName][3]bool{"edge": whole, "checkout": {false, false, true}, "inventory": whole})
	lost = newShop(1, "v41")
	lost.noOutgoing = true
	f("not passed on", lost, map[pitwall.ServiceName][3]bool{"edge": whole, "checkout": whole, "inventory": {false, false, true}})
}

func TestContextCountsByHand(t *testing.T) {
	var b pitwall.SpanBatch
	add := func(trace byte, id, parent uint64, s pitwall.ServiceName, kind pitwall.SpanKind) {
		b.Add(pitwall.SpanRow{TraceID: pitwall.TraceID{trace}, SpanID: id, ParentID: parent, Service: s, Operation: "GET /", Kind: kind, Start: noon})
	}
	add(1, 1, 0, "edge", pitwall.SpanServer) // users call it: no call
	add(1, 2, 1, "edge", pitwall.SpanClient)
	add(1, 3, 2, "shop", pitwall.SpanServer)
	add(1, 3, 2, "shop", pitwall.SpanServer) // came twice
	add(2, 4, 9, "shop", pitwall.SpanServer) // its parent is not there
	add(3, 5, 0, "shop", pitwall.SpanServer) // should have one
	got := Context(&b)
	shop := got.Services["shop"]
	if shop.Calls != 3 || shop.Joined != 1 || shop.Orphans != 1 || shop.Broken != 1 || shop.Low >= shop.Share || shop.High <= shop.Share {
		t.Errorf("shop is %+v", shop)
	}
	if all := got.All; all.Calls != 4 || all.Joined != 2 {
		t.Errorf("all is %+v", all)
	}
	if c := Context(nil).All; c != (pitwall.ContextCoverage{}) {
		t.Errorf("of nothing: %+v", c)
	}
}

// full is a world in which nothing is missing.
func full() Input {
	services := []pitwall.ServiceName{"edge", "checkout", "inventory"}
	seen := map[pitwall.SignalKind]map[pitwall.ServiceName]bool{}
	for _, k := range Signals()[1:] {
		seen[k] = map[pitwall.ServiceName]bool{}
		for _, s := range services {
			seen[k][s] = true
		}
	}
	b := &newShop(1, "v41").requests(200).b
	return Input{At: noon, Period: pitwall.Period{From: noon.Add(-15 * time.Minute), To: noon}, Settle: 30 * time.Second,
		Sources: []pitwall.SourceHealth{{Name: "otlp/traces", Signal: pitwall.SignalTraces, Up: true, LastSeen: noon},
			{Name: "rum", Up: true, LastSeen: noon}, {Name: "synthetic/buy", Signal: pitwall.SignalSynthetics, Up: true, LastSeen: noon}},
		Totals: Totals(b), Traces: b, Seen: seen, Announced: true, Target: true, Enforces: true,
		Controls: map[pitwall.ServiceName]bool{"checkout": true},
		SLOs:     []pitwall.SLO{{Name: "pay", Service: "checkout", Source: "slos.yaml:3", SLI: pitwall.SLI{Service: "checkout", Operation: "POST /pay"}}},
		Judged:   map[pitwall.SLOName]bool{"pay": true},
	}
}

func TestNothingMissing(t *testing.T) {
	got := See(full())
	if len(got.Blind) > 0 {
		t.Errorf("blind spots in a world without any: %+v", got.Blind)
	}
	for _, s := range got.Services {
		if len(s.Missing) > 0 || len(s.Has) != len(Signals()) {
			t.Errorf("%+v", s)
		}
	}
	if len(got.Services) != 3 || got.Context.Calls == 0 || got.Context.Share != 1 {
		t.Errorf("services %d, context %+v", len(got.Services), got.Context)
	}
}

// TestEachBlindSpot takes one thing away at a time.
func TestEachBlindSpot(t *testing.T) {
	page, err := os.ReadFile("../../" + guide)
	if err != nil {
		t.Fatal(err)
	}
	f := func(take func(*Input), stops pitwall.Stops, what, means, remedy string) {
		t.Helper()
		in := full()
		take(&in)
		got := See(in).Blind
		if len(got) != 1 {
			t.Errorf("%s: %d blind spots: %+v", what, len(got), got)
			return
		}
		s := got[0]
		if s.Stops != stops || !strings.Contains(s.What, what) || !strings.Contains(s.Means, means) || !strings.Contains(s.Remedy, remedy) {
			t.Errorf("%s: got %+v", what, s)
		}
		if _, chapter, _ := strings.Cut(s.Link, "#"); chapter == "" || !strings.Contains(strings.ToLower(string(page)), "\n## "+chapter+"\n") {
			t.Errorf("%s links to %q, which is not there", what, s.Link)
		}
	}
	f(func(in *Input) { delete(in.Seen[pitwall.SignalProfiles], "checkout") }, pitwall.StopsDiagnosis, "no profiles of checkout", "slow function", "profiles.file_sd")
	f(func(in *Input) { in.Seen[pitwall.SignalLogs] = nil }, pitwall.StopsDiagnosis, "no logs of any service", "error", "OTEL_LOGS_EXPORTER")
	f(func(in *Input) {
		delete(in.Seen[pitwall.SignalMetrics], "edge")
		in.Last = map[Pair]time.Time{{"edge", pitwall.SignalMetrics}: noon.Add(-time.Hour)}
	}, pitwall.StopsDiagnosis, "the metrics of edge stopped: last seen 11:00:00 UTC", "pool", "metrics.scrape")
	f(func(in *Input) { in.SLOs[0].SLI.Operation = "POST /pays"; in.Judged = nil }, pitwall.StopsJudging, "objective pay never had a span", "cannot burn", `"POST /pay", "GET /healthz": correct the operation in slos.yaml:3`)
	f(func(in *Input) { in.Judged = nil }, pitwall.StopsJudging, "objective pay never had a span", "cannot burn", "only in the store that is read elsewhere")
	f(func(in *Input) { in.SLOs = nil }, pitwall.StopsJudging, "no objective", "no plan ever opens", "slos:")
	f(func(in *Input) {
		delete(in.Seen[pitwall.SignalChanges], "edge")
		in.Guessed = map[pitwall.ServiceName]bool{"edge": true}
	}, pitwall.StopsDiagnosis, "no changes of edge", "seen only in its telemetry", "pitwall change add --service edge")
	f(func(in *Input) {
		in.Announced, in.Seen[pitwall.SignalChanges], in.Guessed = false, nil, map[pitwall.ServiceName]bool{"edge": true}
	}, pitwall.StopsDiagnosis, "no change is announced", "flags", "pitwall change add")
	f(func(in *Input) { in.Announced = false }, pitwall.StopsDiagnosis, "no change is announced", "flags", "pitwall change add")
	f(func(in *Input) { in.Target = false }, pitwall.StopsActing, "no target", "no fix", "target.url")
	f(func(in *Input) { in.Controls = nil }, pitwall.StopsActing, "may not change checkout", "no fix", "target.services")
	f(func(in *Input) { in.Enforces = false }, pitwall.StopsActing, "no repository", "come back", "enforce.repository")
	f(func(in *Input) {
		in.Targets = []pitwall.TargetHealth{{Name: "controller checkout", Service: "checkout", Message: "connection refused"}}
	}, pitwall.StopsActing, "controller checkout does not answer", "waits", "connection refused")
	f(func(in *Input) { in.Sources[1].LastSeen = time.Time{} }, "", "no measurements of real users", "browsers", "/api/v1/rum")
	f(func(in *Input) { in.Sources[2].LastSeen = time.Time{} }, "", "no synthetic journey", "get through", "synthetics:")
	f(func(in *Input) {
		in.Sources[0].Up, in.Sources[0].Message, in.Sources[0].Blind = false, "disk full", "traces"
	}, pitwall.StopsJudging, "otlp/traces is down", "traces", "disk full")
	f(func(in *Input) { in.Sources[0].Lag = 45 }, pitwall.StopsJudging, "otlp/traces arrives 45s late", "judged 30s after", "engine.settle: 1m30s")
	f(func(in *Input) {
		in.Unsteady = []Unsteady{{Source: in.Sources[0], Since: noon.Add(-5 * time.Minute), Usual: 2 * time.Second, Now: 5 * time.Minute}}
	}, pitwall.StopsJudging, "otlp/traces is silent since 2026-03-02T11:55:00Z; it usually sends every 2s", "traces", "sender")
	f(func(in *Input) {
		lost := newShop(1, "v41")
		lost.noContext = true
		in.Traces = &lost.requests(200).b
	}, pitwall.StopsDiagnosis, "traces break at checkout", "followed", "OTEL_PROPAGATORS")
	f(func(in *Input) {
		for i := range in.Totals {
			if in.Totals[i].Service == "inventory" {
				in.Totals[i].Version = ""
			}
		}
	}, pitwall.StopsDiagnosis, "inventory does not say its version", "release", "service.version")
	f(func(in *Input) {
		in.Drifts = []pitwall.Drift{{Service: "checkout", From: "v41", To: "v42", Kind: OperationGone, What: "POST /pay", Means: "latency cannot be judged"}}
	}, pitwall.StopsJudging, "POST /pay of checkout is gone since v42", "cannot be judged", "instrumentation")
	f(func(in *Input) { in.Totals, in.Traces, in.Seen = nil, nil, nil; in.Judged["pay"] = true }, pitwall.StopsJudging, "no telemetry of any service", "nothing", "OTEL_EXPORTER_OTLP_ENDPOINT")
}

// TestUnknownIsNotMissing: what could not be asked for is no verdict on services.
func TestUnknownIsNotMissing(t *testing.T) {
	in := full()
	in.Seen[pitwall.SignalLogs] = nil
	in.Unknown = map[pitwall.SignalKind]bool{pitwall.SignalLogs: true}
	in.Trouble = []pitwall.BlindSpot{{Signal: pitwall.SignalLogs, What: "the log store did not answer", Stops: pitwall.StopsDiagnosis}}
	got := See(in)
	if len(got.Blind) != 1 || got.Blind[0].What != "the log store did not answer" {
		t.Errorf("got %+v", got.Blind)
	}
	for _, s := range got.Services {
		if slices.Contains(s.Missing, pitwall.SignalLogs) || slices.Contains(s.Has, pitwall.SignalLogs) {
			t.Errorf("%+v", s)
		}
	}
}

func TestWorstFirst(t *testing.T) {
	in := full()
	in.Enforces, in.Announced, in.Judged, in.Sources[1].LastSeen = false, false, nil, time.Time{}
	var got []pitwall.Stops
	for _, s := range See(in).Blind {
		got = append(got, s.Stops)
	}
	if diff := cmp.Diff([]pitwall.Stops{pitwall.StopsJudging, pitwall.StopsDiagnosis, pitwall.StopsActing, ""}, got); diff != "" {
		t.Error(diff)
	}
}

func TestGrouped(t *testing.T) {
	in := full()
	for i := range 8 {
		s := pitwall.ServiceName(fmt.Sprintf("s%d", i))
		in.Totals = append(in.Totals, pitwall.OperationTotals{Service: s, Version: "1", Operation: "x", Count: 1})
		for _, k := range []pitwall.SignalKind{pitwall.SignalMetrics, pitwall.SignalLogs, pitwall.SignalChanges} {
			in.Seen[k][s] = true
		}
	}
	got := See(in).Blind
	if len(got) != 1 || got[0].What != "no profiles of 8 of 11 services: s0, s1, s2, s3, s4 and 3 more" || got[0].Service != "" {
		t.Errorf("got %+v", got)
	}
}

func TestRhythm(t *testing.T) {
	var r Rhythm
	health := func(at time.Time, lag float64) []pitwall.SourceHealth {
		return []pitwall.SourceHealth{{Name: "otlp/traces", Signal: pitwall.SignalTraces, Up: true, LastSeen: at, Lag: lag},
			{Name: "changes", Signal: pitwall.SignalChanges, Up: true, LastSeen: noon}}
	}
	now := noon
	for range 40 {
		now = now.Add(10 * time.Second)
		h := health(now, 1)
		r.Observe(h)
		if got := r.Unsteady(now, h); len(got) > 0 {
			t.Fatalf("at %s: %+v", now, got)
		}
	}
	last := now
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{55 * time.Second, 0}, {61 * time.Second, 1}, {24 * time.Hour, 1}} {
		h := health(last, 1)
		r.Observe(h)
		got := r.Unsteady(last.Add(c.after), h)
		if len(got) != c.want {
			t.Errorf("silent for %s: %+v", c.after, got)
		}
		if len(got) == 1 && (got[0].Since != last || got[0].Usual != 10*time.Second) {
			t.Errorf("got %+v", got[0])
		}
	}
	for range 10 {
		now = now.Add(10 * time.Second)
		r.Observe(health(now, 40))
	}
	if got := r.Unsteady(now, health(now, 40)); len(got) != 1 || !got[0].Since.IsZero() || got[0].Now != 40*time.Second {
		t.Errorf("late: %+v", got)
	}
	r.Observe(nil) // taken out of the configuration
	if got := r.Unsteady(now.Add(time.Hour), health(now, 1)); len(got) > 0 {
		t.Errorf("forgotten, yet %+v", got)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"GET /checkout", "POST /checkout/", "DELETE /cart", "POST /checkout/"}
	if diff := cmp.Diff([]string{"POST /checkout/", "GET /checkout"}, nearest("POST /checkout", names, 2)); diff != "" {
		t.Error(diff)
	}
	f := func(a, b string, want int) {
		t.Helper()
		if got := distance(a, b); got != want {
			t.Errorf("distance(%q, %q) = %d, want %d", a, b, got, want)
		}
	}
	f("kitten", "sitting", 3)
	f("", "abc", 3)
	f("abc", "abc", 0)
}
