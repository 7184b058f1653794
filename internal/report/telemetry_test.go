package report

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

func TestTelemetrySentence(t *testing.T) {
	whole := pitwall.ServiceCoverage{Service: "edge", Versions: []pitwall.Version{"v1"}}
	part := pitwall.ServiceCoverage{Service: "shop", Versions: []pitwall.Version{"v1"}, Missing: []pitwall.SignalKind{pitwall.SignalLogs}}
	f := func(want string, tone Tone, services []pitwall.ServiceCoverage, stops ...pitwall.Stops) {
		t.Helper()
		in := pitwall.Telemetry{Services: services}
		for _, s := range stops {
			in.Blind = append(in.Blind, pitwall.BlindSpot{Stops: s})
		}
		if v := Telemetry(in, Options{}); v.Sentence != want || v.Tone != tone {
			t.Errorf("got %q (%s), want %q (%s)", v.Sentence, v.Tone, want, tone)
		}
	}
	f("No service is seen yet. 1 blind spot stops the judging of objectives.", ToneBad, nil, pitwall.StopsJudging)
	f("1 of 1 service is fully seen. Nothing is known to stand in the way.", ToneOK, []pitwall.ServiceCoverage{whole}, "")
	f("1 of 2 services are fully seen. 2 blind spots stop a diagnosis, 1 blind spot stops a fix.", ToneWarn,
		[]pitwall.ServiceCoverage{part, whole}, pitwall.StopsDiagnosis, pitwall.StopsDiagnosis, pitwall.StopsActing)
}

func TestTelemetryRows(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	v := Telemetry(pitwall.Telemetry{
		Period:   pitwall.Period{From: now.Add(-15 * time.Minute), To: now},
		Sources:  []pitwall.SourceHealth{{Name: "otlp/traces", Signal: pitwall.SignalTraces, Up: true, LastSeen: now.Add(-2 * time.Second), Lag: 1.4, Accepted: 6012, Blind: "traces"}},
		Services: []pitwall.ServiceCoverage{{Service: "shop", Requests: 6012, Context: pitwall.ContextCoverage{Calls: 1000, Joined: 991, Share: 0.991, Low: 0.983, High: 0.995}}},
		Drifts: []pitwall.Drift{{Service: "shop", From: "v41", To: "v42", Kind: "operation-gone", What: "POST /pay", Before: 0.7, Means: "so"},
			{Service: "shop", From: "v41", To: "v42", Kind: "context-lost", What: "calls of shop", Before: 1, After: 0.25}},
		Signals:     []pitwall.SignalVolume{{Signal: pitwall.SignalTraces, PerSecond: 1200, Unit: "spans", Bytes: 12e6, BytesDay: 40e6, Retention: 24 * time.Hour, Budget: 100e6, Since: now.Add(-6 * time.Hour), CostPerDay: 0.02, Currency: "EUR"}},
		Cardinality: &pitwall.Cardinality{Series: 1234, Metrics: []pitwall.NamedCount{{Name: "up", Count: 3}}, Labels: []pitwall.NamedCount{{Name: "pod", Count: 1}}},
		Targets:     []pitwall.TargetHealth{{Name: "repository", Up: true}, {Name: "controller shop", Message: "refused"}},
		Blind:       []pitwall.BlindSpot{{Stops: pitwall.StopsActing, What: "no target"}},
	}, Options{Now: now})
	for _, c := range []struct{ got, want any }{
		{v.Period, "the last 15 m"},
		{v.Sources[0].State + " " + v.Sources[0].Lag + " " + v.Sources[0].Signal, "seen 2 s ago 1.4 s traces"},
		{v.Services[0], CoverageRow{Service: "shop", Tone: ToneWarn, Versions: "none said", Requests: "6,012", Has: "–", Missing: "–", Context: "99.1 % of 1,000 calls joined (95 %: 98.3 % … 99.5 %)"}},
		{v.Drifts, []DriftRow{{"shop", "v41 → v42", "POST /pay is gone", "0.7 → 0 for each request", "so"},
			{"shop", "v41 → v42", "trace context of calls of shop is lost", "100 % → 25 %", ""}}},
		{v.Volumes, []VolumeRow{{"traces", "1,200 spans/s", "11 MiB of 95 MiB", "38 MiB", "24 h, kept for 6 h", "0.02 EUR"}}},
		{v.Cardinality, []Fact{{Label: "series", Value: "1,234"}, {Label: "metric up", Value: "3 series"}, {Label: "label pod", Value: "1 value"}}},
		{v.Targets, []TargetRow{{"repository", ToneOK, "answers", ""}, {"controller shop", ToneBad, "does not answer", "refused"}}},
		{v.Blind[0].Stops, "fixing"},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Error(diff)
		}
	}
}
