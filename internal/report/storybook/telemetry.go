package storybook

import (
	"context"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// Telemetry is what the shop tells of itself: one service that lost part of its
// telemetry with a release, one source that is down, one that refuses much, and
// one that never sent. Without plans nothing is known to be missing.
func (e *Engine) Telemetry(context.Context) (pitwall.Telemetry, error) {
	now := e.now().Add(-7 * time.Second) // a survey is a little older than its reading
	t := pitwall.Telemetry{
		At: now, Period: pitwall.Period{From: now.Add(-15 * time.Minute), To: now},
		Sources: e.Health(), Services: covered(), Context: joined(126_840, 126_214, 402, 224),
		Signals: volumes(now), Cardinality: cardinality(),
		Targets: []pitwall.TargetHealth{
			{Name: "controller inventory", Service: "inventory", Up: true},
			{Name: "repository", Up: true, Message: "guardrails, branch main"},
		},
		Drifts: []pitwall.Drift{}, Blind: []pitwall.BlindSpot{},
	}
	if len(e.cases) == 0 {
		return t, nil
	}
	t.Sources = append(t.Sources,
		pitwall.SourceHealth{Name: "remote write", Signal: pitwall.SignalMetrics, Up: true, LastSeen: now.Add(-time.Second), Lag: 0.8, Accepted: 91_020, Rejected: 40_211, Duplicates: 12,
			Message: "samples older than 10m, of 40 series", Blind: "metrics of what Prometheus scrapes"},
		pitwall.SourceHealth{Name: "beacon", Signal: pitwall.SignalUsers, Up: true, Blind: "what people wait for in their browsers"},
		pitwall.SourceHealth{Name: "otlp/logs", Signal: pitwall.SignalLogs, Up: true, LastSeen: now.Add(-26 * time.Minute), Accepted: 8_112, Blind: "what services write beside their requests"})
	t.Targets = append(t.Targets, pitwall.TargetHealth{Name: "controller payment", Service: "payment", Message: "it answered 503: lease store is not ready"})
	t.Services[0] = pitwall.ServiceCoverage{Service: "payment", Versions: []pitwall.Version{"v8"}, Requests: 42_030, Context: joined(42_030, 31_480, 90, 10_460),
		Has: []pitwall.SignalKind{pitwall.SignalTraces}, Missing: []pitwall.SignalKind{pitwall.SignalMetrics, pitwall.SignalProfiles, pitwall.SignalChanges}} // logs: could not be asked
	t.Services[1].Has, t.Services[1].Missing = without(t.Services[1].Has, pitwall.SignalProfiles)
	t.Signals[2].BytesDay, t.Signals[2].Bytes = 410<<20, 1_940<<20 // fills its budget sooner than it may
	t.Drifts, t.Blind = drifts(), blind()
	return t, nil
}

func every() []pitwall.SignalKind {
	return []pitwall.SignalKind{pitwall.SignalTraces, pitwall.SignalMetrics, pitwall.SignalLogs, pitwall.SignalProfiles, pitwall.SignalChanges}
}

func without(all []pitwall.SignalKind, gone pitwall.SignalKind) (has, missing []pitwall.SignalKind) {
	return slices.DeleteFunc(slices.Clone(all), func(k pitwall.SignalKind) bool { return k == gone }), []pitwall.SignalKind{gone}
}

// joined makes a coverage; the interval is drawn, not computed.
func joined(calls, good, orphans, broken int64) pitwall.ContextCoverage {
	share := float64(good) / float64(calls)
	return pitwall.ContextCoverage{Calls: calls, Joined: good, Orphans: orphans, Broken: broken,
		Share: pitwall.Ratio(share), Low: pitwall.Ratio(share - 0.004), High: pitwall.Ratio(min(1, share+0.003))}
}

func covered() (list []pitwall.ServiceCoverage) {
	for _, s := range []struct {
		name     pitwall.ServiceName
		versions []pitwall.Version
		requests int64
		context  pitwall.ContextCoverage
	}{
		{"payment", []pitwall.Version{"v8"}, 42_030, joined(42_030, 41_990, 22, 18)},
		{"orders", []pitwall.Version{"v21"}, 42_028, joined(42_028, 41_975, 40, 13)},
		{"inventory", []pitwall.Version{"v40", "v41"}, 42_030, joined(42_030, 42_002, 20, 8)},
		{"checkout", []pitwall.Version{"v12"}, 42_030, joined(42_030, 42_011, 14, 5)},
		{"auth", []pitwall.Version{"v3"}, 42_026, joined(42_026, 42_026, 0, 0)},
		{"edge", []pitwall.Version{"v5"}, 62_820, pitwall.ContextCoverage{}}, // nobody calls it
	} {
		list = append(list, pitwall.ServiceCoverage{Service: s.name, Versions: s.versions, Requests: s.requests, Has: every(), Missing: []pitwall.SignalKind{}, Context: s.context})
	}
	return list
}

func volumes(now time.Time) []pitwall.SignalVolume {
	const day, gib = 24 * time.Hour, 1 << 30
	return []pitwall.SignalVolume{
		{Signal: pitwall.SignalTraces, PerSecond: 1_842.6, Unit: "spans", Bytes: 3_480 << 20, BytesDay: 3.9 * gib, Retention: day, Budget: 10 * gib, Since: now.Add(-23*time.Hour - 12*time.Minute), CostPerDay: 0.31, Currency: "EUR"},
		{Signal: pitwall.SignalMetrics, PerSecond: 412.3, Unit: "samples", Bytes: 610 << 20, BytesDay: 52 << 20, Retention: 15 * day, Budget: 10 * gib, Since: now.Add(-12 * day), CostPerDay: 0.004, Currency: "EUR"},
		{Signal: pitwall.SignalLogs, PerSecond: 36.1, Unit: "records", Bytes: 290 << 20, BytesDay: 96 << 20, Retention: 7 * day, Budget: 2 * gib, Since: now.Add(-3 * day)},
		{Signal: pitwall.SignalProfiles, PerSecond: 0.42, Unit: "windows", Bytes: 81 << 20, Retention: 7 * day, Budget: 2 * gib, Since: now.Add(-40 * time.Minute)},
	}
}

func cardinality() *pitwall.Cardinality {
	return &pitwall.Cardinality{Series: 18_342, Of: 2 * time.Hour,
		Metrics: []pitwall.NamedCount{{Name: "http_server_request_duration_seconds_bucket", Count: 7_920}, {Name: "db_client_operation_duration_seconds_bucket", Count: 3_168},
			{Name: "go_memory_allocated_bytes_total", Count: 410}, {Name: "target_info", Count: 24}},
		Labels: []pitwall.NamedCount{{Name: "instance", Count: 212}, {Name: "http_route", Count: 64}, {Name: "le", Count: 15}, {Name: "service_name", Count: 6}}}
}

func drifts() []pitwall.Drift {
	return []pitwall.Drift{
		{Service: "payment", From: "v7", To: "v8", Kind: "context-lost", What: "requests of payment", Before: 0.999, After: 0.749, N: 42_030,
			Means: "requests of payment do not lead to their callers any more: a slow request ends where the trace breaks, with v8"},
		{Service: "inventory", From: "v40", To: "v41", Kind: "attribute-gone", What: "db.query.text of SELECT items", Before: 0.994, After: 0, N: 2_310,
			Means: "a query in a loop or a slow query cannot be named any more: the attribute is missing with v41"},
		{Service: "inventory", From: "v40", To: "v41", Kind: "fewer-spans", What: "POST /v1/items/lookup", Before: 6.2, After: 3.1, N: 2_310,
			Means: "less of POST /v1/items/lookup can be seen: part of its spans stopped with v41, or it does less"},
	}
}

func blind() []pitwall.BlindSpot {
	const guide = "docs/howto/see-what-pitwall-sees.md"
	return []pitwall.BlindSpot{
		{Service: "edge", Signal: pitwall.SignalTraces, Stops: pitwall.StopsJudging, What: "objective catalog-availability never had a span",
			Means:  `it cannot burn: no request of "GET /catalog" of edge was seen`,
			Remedy: `edge serves "GET /catalogue": correct the operation in slo/catalog.yaml:1, or wait for the first request`, Link: guide + "#objectives"},
		{Service: "payment", Signal: pitwall.SignalTraces, Stops: pitwall.StopsDiagnosis, What: "traces break at payment: only 74.9 % of its calls are joined to their callers",
			Means:  "a slow request cannot be followed through it",
			Remedy: "pass the W3C header traceparent on with every call: OTEL_PROPAGATORS=tracecontext,baggage on both sides", Link: guide + "#context"},
		{Service: "payment", Signal: pitwall.SignalChanges, Stops: pitwall.StopsDiagnosis, What: "no changes of payment",
			Means:  "a deploy that broke it is guessed from its telemetry, without what it changed",
			Remedy: "announce deploys from the pipeline: pitwall change add --service payment --version VERSION", Link: guide + "#changes"},
		{Service: "orders", Signal: pitwall.SignalProfiles, Stops: pitwall.StopsDiagnosis, What: "no profiles of orders",
			Means: "a slow function cannot be named", Remedy: "add its pprof address to the file of profiles.file_sd in pitwall.yaml", Link: guide + "#profiles"},
		{Service: "payment", Stops: pitwall.StopsActing, What: "controller payment does not answer",
			Means: "no fix in payment can be tried", Remedy: "see what it says: it answered 503: lease store is not ready", Link: guide + "#acting"},
		{Signal: pitwall.SignalSynthetics, What: "no synthetic journey", Means: "whether users get through cannot be told while there are none",
			Remedy: "synthetics: [journeys/*.yaml] in pitwall.yaml; see docs/howto/synthetic-journeys.md", Link: guide + "#synthetics"},
	}
}

// Setting is one value of the book's configuration, with where it came from.
type Setting struct{ Key, Value, Origin string }

// Settings are an excerpt of a configuration.
func Settings() []Setting {
	return []Setting{
		{"listen.http", "127.0.0.1:8080", "default"}, {"listen.otlp_http", "0.0.0.0:4318", "env PITWALL_LISTEN_OTLP_HTTP"},
		{"data_dir", "/var/lib/pitwall", "pitwall.yaml:1"}, {"public_url", "", "default"},
		{"slos", "slo/*.yaml", "pitwall.yaml:2"}, {"policy", "policy.yaml", "pitwall.yaml:3"},
		{"services", "{name: checkout, owner: team-pay, tier: critical}, {name: inventory, owner: team-stock}", "pitwall.yaml:5"},
		{"traces.retention", "1d", "default"}, {"traces.disk", "10GiB", "default"}, {"metrics.retention", "15d", "default"},
		{"profiles.file_sd", "targets.json", "pitwall.yaml:9"}, {"target.url", "http://deploy-controller:7000", "pitwall.yaml:11"},
		{"target.token_file", "deploy-token", "pitwall.yaml:12"}, {"target.services", "inventory", "flag --target.services"},
		{"engine.tick", "10s", "default"}, {"engine.canary.alpha", "0.01", "default"}, {"engine.deadline", "1d", "default"},
	}
}
