package diagnose

import (
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// TestNothingToHearIsSkipped: where nothing could speak of a cause outside, its
// absence is not told as clear.
func TestNothingToHearIsSkipped(t *testing.T) {
	at := time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC)
	of := func(a map[string]Answer) map[string]pitwall.Outcome {
		x := &inquiry{q: Question{
			Regression: pitwall.Regression{Service: "web"},
			Baseline:   pitwall.Period{From: at, To: at.Add(time.Hour)}, Window: pitwall.Period{From: at.Add(time.Hour), To: at.Add(2 * time.Hour)},
		}, answers: a, noSpans: "no traces"}
		said := map[string]pitwall.Outcome{}
		for _, s := range outside() {
			said[s.name] = s.look(x).outcome
		}
		return said
	}
	flat := func(metric string) pitwall.Measured {
		m := pitwall.Measured{Service: "web", Metric: metric, Stat: "value"}
		for i := range 120 {
			m.T, m.V = append(m.T, at.Add(time.Duration(i)*time.Minute).UnixMilli()), append(m.V, 0.5)
		}
		return m
	}
	logs := Answer{Logs: []pitwall.LogMove{{Service: "web", Template: "served", Before: 10, After: 10}}}
	lines := of(map[string]Answer{idLogs: logs})
	numbers := of(map[string]Answer{idMeasured: {Measured: []pitwall.Measured{flat("latency_seconds")}}})
	both := of(map[string]Answer{idLogs: logs, idMeasured: {Measured: []pitwall.Measured{flat(metricRequests), flat(metricNodeCPU)}}})
	const yes, no = pitwall.OutcomeClear, pitwall.OutcomeSkipped
	for _, c := range []struct {
		check                string
		lines, numbers, both pitwall.Outcome
	}{
		{checkCertificate, yes, no, yes}, {checkDNS, yes, no, yes}, {checkUpstream, yes, no, yes}, {checkBadInput, yes, no, yes},
		{checkNeighbour, no, no, yes}, {checkSurge, no, no, yes},
	} {
		if lines[c.check] != c.lines || numbers[c.check] != c.numbers || both[c.check] != c.both {
			t.Errorf("%s: of lines %s, of numbers %s, of both %s; want %s, %s, %s", c.check,
				lines[c.check], numbers[c.check], both[c.check], c.lines, c.numbers, c.both)
		}
	}
}

// TestTitlesOfChanges: no "of" without a service, and a commit as people read it.
func TestTitlesOfChanges(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	for want, c := range map[string]pitwall.Change{
		"deploy 0123456":           {Kind: pitwall.ChangeDeploy, Version: commit},
		"deploy of web v1 → v2":    {Kind: pitwall.ChangeDeploy, Service: "web", PreviousVersion: "v1", Version: "v2"},
		"deploy of web 2026061201": {Kind: pitwall.ChangeDeploy, Service: "web", Version: "2026061201"},
	} {
		if got := title(c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for in, want := range map[string]string{"db_pool grew": "db_pool grew", "maxConns fell": "maxConns fell", "job:run is late": "job:run is late", "deploy of web": "Deploy of web", "": ""} {
		if got := capital(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}
