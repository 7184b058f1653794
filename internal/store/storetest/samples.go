package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// RunSamples checks the contract of whoever gives raw samples; open gives one
// that has the series of load and no others of their names, and is called once.
func RunSamples(t *testing.T, open func(t *testing.T, load []pitwall.Series) pitwall.SampleReader) {
	s := open(t, FixedSeries())
	bad := labelled("__name__", "shop_requests_total", "service_name", "checkout", "code", "500")
	good := labelled("__name__", "shop_requests_total", "service_name", "checkout", "code", "200")
	queue := labelled("__name__", "shop_queue_depth", "service_name", "checkout")
	const m, sec = time.Minute, time.Second
	for _, c := range []struct {
		name, selector string
		from, to       time.Duration
		want           []pitwall.Series
	}{
		{"BeginIsOutEndIsIn", `shop_requests_total{code="500"}`, m, m + 30*sec, []pitwall.Series{points(bad, 75, 15, 90, 18)}},
		{"BetweenSamples", `shop_requests_total{code="500"}`, m + sec, m + 14*sec, nil},
		{"ToTheMillisecond", `shop_requests_total{code="500"}`, m - time.Millisecond, m, []pitwall.Series{points(bad, 60, 12)}},
		{"SeveralSeries", `shop_requests_total`, 0, 15 * sec, []pitwall.Series{points(good, 15, 30), points(bad, 15, 3)}},
		{"ByExpression", `{__name__=~"shop_requests.*",code!="200"}`, 0, 15 * sec, []pitwall.Series{points(bad, 15, 3)}},
		{"SilenceIsAGap", `shop_queue_depth`, 9*m + 30*sec, 20*m + 15*sec, []pitwall.Series{points(queue, 585, 4, 1200, 3, 1215, 4)}},
		{"NothingMatches", `shop_nothing`, 0, m, nil},
		{"BeforeEverything", `shop_queue_depth`, -2 * time.Hour, -time.Hour, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := s.Samples(t.Context(), c.selector, pitwall.Period{From: metricsAt(c.from), To: metricsAt(c.to)})
			must(t, err)
			sameSeries(t, c.want, got)
		})
	}
	t.Run("PiecesJoinWithoutSeam", func(t *testing.T) { seamless(t, s) })
	t.Run("NoSelectors", func(t *testing.T) {
		for _, q := range []string{``, `sum(shop_orders)`, `shop_orders[5m]`, `shop_orders offset 1m`, `{code=~".*"}`, `1`} {
			_, err := s.Samples(t.Context(), q, pitwall.Period{From: metricsAt(0), To: metricsAt(m)})
			if pitwall.KindOf(err) != pitwall.Invalid {
				t.Errorf("%q: kind %q (%v), want invalid", q, pitwall.KindOf(err), err)
			}
		}
	})
	t.Run("NoPeriod", func(t *testing.T) {
		_, err := s.Samples(t.Context(), `shop_orders`, pitwall.Period{From: metricsAt(m), To: metricsAt(m)})
		kind(t, pitwall.Invalid, err)
	})
	t.Run("CancelledContext", func(t *testing.T) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Samples(gone, `shop_orders`, pitwall.Period{From: metricsAt(0), To: metricsAt(m)})
		kind(t, pitwall.Unavailable, err)
	})
}

// seamless reads half an hour at once and in stretches that end on samples.
func seamless(t *testing.T, s pitwall.SampleReader) {
	read := func(from, to time.Duration) map[string][]int64 {
		list, err := s.Samples(t.Context(), `shop_requests_total`, pitwall.Period{From: metricsAt(from), To: metricsAt(to)})
		must(t, err)
		out := map[string][]int64{}
		for _, one := range list {
			out[one.Labels["code"]] = append(out[one.Labels["code"]], one.T...)
		}
		return out
	}
	whole, pieces := read(-time.Second, 30*time.Minute), map[string][]int64{}
	for from := -time.Minute; from < 30*time.Minute; from += time.Minute {
		for code, times := range read(from, from+time.Minute) {
			pieces[code] = append(pieces[code], times...)
		}
	}
	for _, code := range []string{"200", "500"} {
		if len(whole[code]) != 121 || len(pieces[code]) != 121 {
			t.Errorf("code %s: %d samples at once, %d in pieces, want 121", code, len(whole[code]), len(pieces[code]))
		}
	}
}
