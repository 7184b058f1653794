package otlp

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/pitwall/pitwall/internal/store/metrics"
)

// TestMetricsInPart: of one request the real store keeps what it can, and the
// sender hears of the rest as OTLP's partial success, not as a failure that
// would lose or repeat all of it.
func TestMetricsInPart(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	store, err := metrics.Open(t.TempDir(), metrics.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r := New(Config{Metrics: store, Now: func() time.Time { return now }})
	body := `{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeMetrics":[{"metrics":[
	 {"name":"good","gauge":{"dataPoints":[{"timeUnixNano":"1799999999000000000","asDouble":4}]}},
	 {"name":"ahead","gauge":{"dataPoints":[{"timeUnixNano":"1900000000000000000","asDouble":5}]}}]}]}]}`
	res := post(t, r, "/v1/metrics", typeJSON, "", []byte(body))
	answer := pmetricotlp.NewExportResponse()
	if err := answer.UnmarshalJSON(res.Body.Bytes()); err != nil || res.Code != http.StatusOK {
		t.Fatalf("%d %s: %v", res.Code, res.Body, err)
	}
	if p := answer.PartialSuccess(); p.RejectedDataPoints() != 1 || !strings.Contains(p.ErrorMessage(), "ahead") {
		t.Errorf("rejected %d: %s", p.RejectedDataPoints(), p.ErrorMessage())
	}
	if h := r.Health()[1]; h.Accepted != 1 || h.Rejected != 1 {
		t.Errorf("health: %+v", h)
	}
	series, err := store.Query(context.Background(), "good", now)
	if err != nil || len(series) != 1 || series[0].V[0] != 4 {
		t.Errorf("stored: %+v, %v", series, err)
	}
}
