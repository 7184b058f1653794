package detect_test

import (
	"slices"
	"testing"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
)

func TestRiseOf(t *testing.T) {
	tests := map[string]detect.Direction{
		"http_server_request_duration_seconds":  detect.Worse,
		"http_requests_total":                   detect.Better,
		"http_requests_failed_total":            detect.Worse,
		"db.client.connection.pending_requests": detect.Worse,
		"redis_cache_hit_ratio":                 detect.Better,
		"redis_cache_misses_total":              detect.Worse,
		"node_memory_available_bytes":           detect.Better,
		"go.goroutine.count":                    detect.Worse,
		"queue_depth":                           detect.Worse,
		"cloud_cost_per_order":                  detect.Worse,
		"checkout.conversion":                   detect.Better,
		"widgets_total":                         detect.Neutral,
		"perrors":                               detect.Neutral, // words, not letters
		"":                                      detect.Neutral,
	}
	for name, want := range tests {
		if got := detect.RiseOf(pitwall.SeriesName{Metric: name}); got != want {
			t.Errorf("a rise of %q is %s, want %s", name, got, want)
		}
	}
	for s, want := range map[pitwall.Signal]detect.Direction{
		pitwall.SignalLatency: detect.Worse, pitwall.SignalErrors: detect.Worse, pitwall.SignalSaturation: detect.Worse, pitwall.SignalEvents: detect.Worse,
		pitwall.SignalAvailability: detect.Better, pitwall.SignalTraffic: detect.Better,
	} {
		if got := detect.RiseOf(pitwall.SeriesName{Signal: s, Metric: "widgets"}); got != want {
			t.Errorf("a rise of %s is %s, want %s", s, got, want)
		}
	}
	if got := detect.RiseOf(pitwall.SeriesName{Metric: "main.serveRequests", Unit: pitwall.UnitCPUPerReq}); got != detect.Worse {
		t.Errorf("a function that takes more CPU a request is %s", got)
	}
}

func TestToward(t *testing.T) {
	up := slower("a", "")
	spread := up
	spread.Kind = pitwall.ShapeVariance
	traffic := faster("a", "")
	traffic.Series.Signal = pitwall.SignalTraffic
	for _, tt := range []struct {
		c    detect.Candidate
		want detect.Direction
	}{{up, detect.Worse}, {faster("a", ""), detect.Better}, {spread, detect.Neutral}, {traffic, detect.Worse}} {
		if got := tt.c.Toward(); got != tt.want {
			t.Errorf("%s up %v %s is %s, want %s", tt.c.Series, tt.c.Up, tt.c.Kind, got, tt.want)
		}
	}
}

func TestReasonsAreListedOnce(t *testing.T) {
	var codes []detect.ReasonCode
	for _, r := range detect.Reasons() {
		if slices.Contains(codes, r.Code) {
			t.Errorf("%s is listed twice", r.Code)
		}
		if len(r.Means) == 0 || r.Means[len(r.Means)-1] != '.' {
			t.Errorf("%s means %q", r.Code, r.Means)
		}
		codes = append(codes, r.Code)
	}
}
