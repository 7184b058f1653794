package attribute_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/slo/attribute"
)

// TestSamplesByLabel: two tenants share a service; ten errors are those of one of
// them, each in a series of its own that begins at 1.
func TestSamplesByLabel(t *testing.T) {
	at := func(minute int) int64 { return time.Unix(0, 0).Add(time.Duration(minute) * time.Minute).UnixMilli() }
	counter := func(labels map[string]string, from int, values ...float64) pitwall.Series {
		s := pitwall.Series{Labels: labels}
		for i, v := range values {
			s.T, s.V = append(s.T, at(from+i)), append(s.V, v)
		}
		return s
	}
	with := func(more ...string) map[string]string {
		l := map[string]string{"__name__": "http_requests_total", "job": "shop", "instance": "a"}
		for i := 0; i < len(more); i += 2 {
			l[more[i]] = more[i+1]
		}
		return l
	}
	total := []pitwall.Series{
		counter(with("tenant", "blue", "code", "200"), 9, 0, 50, 100, 150),
		counter(with("tenant", "red", "code", "200"), 9, 0, 30, 60, 90),
	}
	var bad []pitwall.Series
	for _, path := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		bad = append(bad, counter(with("tenant", "red", "code", "500", "path", path), 11, 1, 1))
	}
	plan, err := promql.Compile(pitwall.SLIQuery{Bad: `http_requests_total{code="500"}`, Total: `http_requests_total`}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	q := attribute.Samples{Plan: plan, Step: time.Minute, Lookback: 10 * time.Minute,
		Period: pitwall.Period{From: time.Unix(0, 0).Add(9 * time.Minute), To: time.Unix(0, 0).Add(12 * time.Minute)}}
	for _, n := range q.Needs() {
		if strings.Contains(n.Selector, "500") {
			q.Answers = append(q.Answers, bad)
		} else {
			q.Answers = append(q.Answers, append(total[:2:2], bad...))
		}
	}
	s := attribute.Scope{SLO: pitwall.SLO{Name: "api"}, Period: q.Period, Ledger: pitwall.Counts{Good: 240, Bad: 10}}
	got, err := attribute.FromSamples(q, s, "tenant")
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Value string
		Bad   uint64
		Total uint64
	}
	var rows []row
	for _, share := range got.Shares {
		rows = append(rows, row{share.Value, share.Counts.Bad, share.Counts.Total()})
	}
	if diff := cmp.Diff([]row{{"red", 10, 100}, {"blue", 0, 150}}, rows); diff != "" {
		t.Error(diff)
	}
	if got.Covered != 1 {
		t.Errorf("covered %v", got.Covered)
	}
	if diff := cmp.Diff([]string{"code", "path", "tenant"}, attribute.Labels(q.Answers)); diff != "" {
		t.Error(diff)
	}
	if _, err := attribute.FromSamples(q, s, "region"); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("a label nobody carries: %v", err)
	}
}
