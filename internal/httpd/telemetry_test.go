package httpd_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/httpd"
	"github.com/pitwall/pitwall/internal/report"
)

func TestTelemetryInNumbersAndWords(t *testing.T) {
	seen := pitwall.Telemetry{At: clock(), Period: pitwall.Period{From: clock().Add(-15 * time.Minute), To: clock()},
		Services: []pitwall.ServiceCoverage{{Service: "checkout", Has: []pitwall.SignalKind{pitwall.SignalTraces}, Missing: []pitwall.SignalKind{pitwall.SignalLogs}}},
		Blind:    []pitwall.BlindSpot{{Service: "checkout", What: "no logs of checkout", Stops: pitwall.StopsDiagnosis}}}
	srv, _ := serve(t, func(c *httpd.Config) {
		c.Signals.Telemetry = func(context.Context) (pitwall.Telemetry, error) { return seen, nil }
	})
	res, body := ask(t, "GET", srv.URL+"/api/v1/telemetry", "", nil)
	var got struct {
		Schema string
		pitwall.Telemetry
		View report.TelemetryView
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || res.StatusCode != 200 {
		t.Fatalf("%d, %v: %.300s", res.StatusCode, err, body)
	}
	if got.Schema != "pitwall.telemetry/1" || len(got.Services) != 1 || got.Blind[0].Stops != pitwall.StopsDiagnosis ||
		got.View.Sentence != "0 of 1 service is fully seen. 1 blind spot stops a diagnosis." {
		t.Errorf("got %s", body)
	}
}

func TestTelemetryThatIsNotThere(t *testing.T) {
	srv, _ := serve(t, nil)
	if res, body := ask(t, "GET", srv.URL+"/api/v1/telemetry", "", nil); res.StatusCode != 404 {
		t.Errorf("%d: %s", res.StatusCode, body)
	}
}

func TestSourcesSayWhatIsNotSeenWithoutThem(t *testing.T) {
	srv, _ := serve(t, nil)
	_, body := ask(t, "GET", srv.URL+"/api/v1/sources", "", nil)
	var got struct{ Sources []report.SourceRow }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(got.Sources, func(s report.SourceRow) bool { return s.Name == "pprof orders" })
	if at < 0 || got.Sources[at].Tone != report.ToneBad || got.Sources[at].Blind == "" || got.Sources[at].State != "down, seen 4 m ago" {
		t.Errorf("got %s", body)
	}
}

func TestSettingsIsAPage(t *testing.T) {
	srv, _ := serve(t, nil)
	if res, _ := ask(t, "GET", srv.URL+"/settings", "", nil); res.StatusCode != 200 {
		t.Errorf("%d", res.StatusCode)
	}
}
