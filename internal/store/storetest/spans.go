package storetest

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pitwall/pitwall"
)

// Traces is what answers about traces, embedded or elsewhere.
type Traces interface {
	pitwall.SpanReader
	pitwall.TraceReader
}

// TracesBegin is when the first trace of the fixed set ends.
func TracesBegin() time.Time { return time.Unix(1_760_000_000, 0).UTC() }

// afterBegin is a moment of the fixed set.
func afterBegin(seconds float64) time.Time {
	return TracesBegin().Add(time.Duration(seconds * float64(time.Second)))
}

// RunSpans checks the contract of a span store; open gives one that has the
// traces of load and no others, and is called once. Times are whole microseconds,
// the finest that all stores keep.
func RunSpans(t *testing.T, open func(t *testing.T, load *pitwall.SpanBatch) Traces) {
	load := FixedTraces()
	rows := allRows(load)
	s := open(t, load)
	for _, c := range spanCases() {
		t.Run(c.name, func(t *testing.T) {
			got, err := s.Spans(t.Context(), c.q)
			must(t, err)
			want := wantedRows(rows, c.q)
			if len(want) != c.spans {
				t.Fatalf("the suite is wrong: %d spans match, it says %d", len(want), c.spans)
			}
			sameRows(t, want, allRows(got))
		})
	}
	t.Run("LimitOfSpans", func(t *testing.T) { limitOfSpans(t, s, rows) })
	t.Run("LimitOfTraces", func(t *testing.T) { limitOfTraces(t, s, rows) })
	t.Run("Trace", func(t *testing.T) { oneTrace(t, s, rows) })
	t.Run("TraceNotFound", func(t *testing.T) {
		_, err := s.Trace(t.Context(), pitwall.TraceID{0: 0xff, 15: 0xff})
		kind(t, pitwall.NotFound, err)
	})
	t.Run("CancelledContext", func(t *testing.T) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Spans(gone, pitwall.SpanQuery{Period: wholePeriod()}); err == nil {
			t.Error("answered somebody who had gone")
		}
	})
}

// wholePeriod holds every span of the fixed set.
func wholePeriod() pitwall.Period { return pitwall.Period{From: afterBegin(-60), To: afterBegin(180)} }

type spanCase struct {
	name  string
	q     pitwall.SpanQuery
	spans int // how many match: the suite must not pass on nothing
}

func spanCases() []spanCase {
	all := wholePeriod()
	some := pitwall.Period{From: afterBegin(20), To: afterBegin(60)}
	attr := func(kv ...string) (list []pitwall.Attr) {
		for i := 0; i < len(kv); i += 2 {
			list = append(list, pitwall.Attr{Key: kv[i], Value: kv[i+1]})
		}
		return list
	}
	return []spanCase{
		{"Everything", pitwall.SpanQuery{Period: all}, 57},
		// A trace that ends at 20 s is in it, one that ends at 60 s is not.
		{"Period", pitwall.SpanQuery{Period: some}, 18},
		{"Service", pitwall.SpanQuery{Period: all, Service: "inventory"}, 6},
		{"ServiceAndPeriod", pitwall.SpanQuery{Period: some, Service: "checkout"}, 8},
		{"Operation", pitwall.SpanQuery{Period: all, Service: "edge", Operation: "POST /checkout"}, 12},
		{"OperationOfAnyService", pitwall.SpanQuery{Period: all, Operation: "POST /checkout"}, 24},
		{"Version", pitwall.SpanQuery{Period: all, Service: "checkout", Version: "v2"}, 12},
		{"Attribute", pitwall.SpanQuery{Period: all, Attrs: attr("http.response.status_code", "500")}, 6},
		{"Attributes", pitwall.SpanQuery{Period: all, Attrs: attr("http.response.status_code", "200", "cart.size", "large")}, 3},
		{"AttributeOfSender", pitwall.SpanQuery{Period: all, Service: "checkout", Attrs: attr("host.name", "node-2")}, 12},
		{"AttributeOfOtherValue", pitwall.SpanQuery{Period: all, Attrs: attr("cart.size", "enormous")}, 0},
		{"MinDuration", pitwall.SpanQuery{Period: all, MinDuration: 300 * time.Millisecond}, 5}, // one takes exactly so long
		{"Failed", pitwall.SpanQuery{Period: all, Failed: true}, 7},
		{"FailedAndSlow", pitwall.SpanQuery{Period: all, Failed: true, MinDuration: 29 * time.Millisecond}, 3},
		{"LongSpanThatBeganBefore", pitwall.SpanQuery{Period: pitwall.Period{From: afterBegin(64), To: afterBegin(66)}}, 1},
		{"SpanThatEndsLater", pitwall.SpanQuery{Period: pitwall.Period{From: afterBegin(18), To: afterBegin(19.9)}}, 0},
		{"WholeTraces", pitwall.SpanQuery{Period: some, WholeTraces: true}, 18},
		{"WholeTracesOfFailures", pitwall.SpanQuery{Period: all, Service: "edge", Failed: true, WholeTraces: true}, 12},
		// Its first span ended before the period began.
		{"WholeTraceAcrossTheEdge", pitwall.SpanQuery{Period: pitwall.Period{From: afterBegin(124), To: afterBegin(126)}, WholeTraces: true}, 2},
		{"UnknownService", pitwall.SpanQuery{Period: all, Service: "nobody"}, 0},
		{"UnknownOperation", pitwall.SpanQuery{Period: all, Service: "edge", Operation: "GET /nothing"}, 0},
		{"UnknownVersion", pitwall.SpanQuery{Period: all, Service: "edge", Version: "v9"}, 0},
		{"PeriodWithoutSpans", pitwall.SpanQuery{Period: pitwall.Period{From: afterBegin(-60), To: afterBegin(-50)}}, 0},
	}
}

// wantedRows is the contract in the plainest words.
func wantedRows(rows []pitwall.SpanRow, q pitwall.SpanQuery) []pitwall.SpanRow {
	traces := map[pitwall.TraceID]bool{}
	var hits []pitwall.SpanRow
	for _, r := range rows {
		ok := q.Period.Contains(r.Start.Add(r.Duration)) && (q.Service == "" || r.Service == q.Service) &&
			(q.Operation == "" || r.Operation == q.Operation) && (q.Version == "" || r.Version == q.Version) &&
			r.Duration >= q.MinDuration && (!q.Failed || r.Failed)
		for _, a := range q.Attrs {
			ok = ok && slices.Contains(r.Attrs, a)
		}
		if ok {
			traces[r.TraceID] = true
			hits = append(hits, r)
		}
	}
	if !q.WholeTraces {
		return hits
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r pitwall.SpanRow) bool { return !traces[r.TraceID] })
}

func limitOfSpans(t *testing.T, s Traces, rows []pitwall.SpanRow) {
	q := pitwall.SpanQuery{Period: wholePeriod(), Service: "edge", Operation: "POST /checkout", Limit: 4}
	got, err := s.Spans(t.Context(), q)
	must(t, err)
	q.Limit = 0
	amongRows(t, wantedRows(rows, q), allRows(got))
	if got.Len() != 4 {
		t.Errorf("%d spans, want 4", got.Len())
	}
	spread(t, got)
	q.Limit = 100
	got, err = s.Spans(t.Context(), q)
	must(t, err)
	sameRows(t, wantedRows(rows, q), allRows(got)) // fewer than the limit: all
}

func limitOfTraces(t *testing.T, s Traces, rows []pitwall.SpanRow) {
	q := pitwall.SpanQuery{Period: wholePeriod(), Service: "edge", Operation: "POST /checkout", WholeTraces: true, Limit: 4}
	got, err := s.Spans(t.Context(), q)
	must(t, err)
	traces := map[pitwall.TraceID]bool{}
	for _, id := range got.TraceID {
		traces[id] = true
	}
	if len(traces) != 4 {
		t.Errorf("%d traces, want 4", len(traces))
	}
	sameRows(t, slices.DeleteFunc(slices.Clone(rows), func(r pitwall.SpanRow) bool { return !traces[r.TraceID] }), allRows(got))
	spread(t, got)
}

// spread checks that a limit did not take only the oldest or the newest.
func spread(t *testing.T, b *pitwall.SpanBatch) {
	t.Helper()
	early, late := 0, 0
	for _, r := range allRows(b) {
		if r.Start.Before(afterBegin(55)) {
			early++
		} else {
			late++
		}
	}
	if early == 0 || late == 0 {
		t.Errorf("%d spans of the first half and %d of the second: a limit spreads evenly", early, late)
	}
}

func oneTrace(t *testing.T, s Traces, rows []pitwall.SpanRow) {
	id := rows[0].TraceID
	got, err := s.Trace(t.Context(), id)
	must(t, err)
	want := slices.DeleteFunc(slices.Clone(rows), func(r pitwall.SpanRow) bool { return r.TraceID != id })
	if len(want) < 4 {
		t.Fatalf("the suite is wrong: a trace of %d spans", len(want))
	}
	sameRows(t, want, allRows(got))
}

func allRows(b *pitwall.SpanBatch) []pitwall.SpanRow {
	rows := make([]pitwall.SpanRow, b.Len())
	for i := range rows {
		rows[i] = b.Row(i)
		slices.SortFunc(rows[i].Attrs, func(x, y pitwall.Attr) int { return cmp.Compare(x.Key, y.Key) })
	}
	slices.SortFunc(rows, func(x, y pitwall.SpanRow) int {
		return cmp.Or(bytes.Compare(x.TraceID[:], y.TraceID[:]), cmp.Compare(x.SpanID, y.SpanID))
	})
	return rows
}

// sameRows compares every column. Order, of spans and of attributes, is the
// store's own affair.
func sameRows(t *testing.T, want, got []pitwall.SpanRow) {
	t.Helper()
	if d := gocmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func amongRows(t *testing.T, all, got []pitwall.SpanRow) {
	t.Helper()
	for _, r := range got {
		if !slices.ContainsFunc(all, func(x pitwall.SpanRow) bool { return gocmp.Equal(x, r, cmpopts.EquateEmpty()) }) {
			t.Errorf("a span that was not asked for: %s %s", r.Service, r.Operation)
		}
	}
}
