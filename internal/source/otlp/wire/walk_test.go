package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/pitwall/pitwall"
)

func rows(b *pitwall.SpanBatch) []pitwall.SpanRow {
	var list []pitwall.SpanRow
	for i := range b.Len() {
		list = append(list, b.Row(i))
	}
	return list
}

// stricter are the faults of requests that the reference takes and no sender
// makes.
func stricter(err error) bool {
	for _, known := range []error{ErrGroup, ErrVarint, ErrField, ErrNesting, ErrElements, ErrWords, ErrRecords} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// sameTraces holds the walk of a body against the reference.
func sameTraces(t testing.TB, w *Walker, body []byte) {
	t.Helper()
	b := &pitwall.SpanBatch{}
	bad, err := w.Traces(b, bytes.Clone(body))
	req := ptraceotlp.NewExportRequest()
	if refErr := req.UnmarshalProto(body); refErr != nil {
		if err == nil || b.Len() > 0 {
			t.Fatalf("the walk took %d spans (%v), the reference says %v", b.Len(), err, refErr)
		}
		return
	}
	if err != nil {
		if !stricter(err) || b.Len() > 0 {
			t.Fatalf("the walk says %v, the reference took it", err)
		}
		return
	}
	want, wantBad := toBatch(req.Traces())
	if !reflect.DeepEqual(bad, wantBad) || !reflect.DeepEqual(rows(b), rows(want)) {
		t.Fatalf("the walk differs (-reference +walk):\n%s%s", cmp.Diff(wantBad, bad), cmp.Diff(rows(want), rows(b)))
	}
	for i, s := range b.Strings {
		if n, ok := b.Lookup(s); !ok || n != uint32(i) {
			t.Fatalf("the dictionary holds %q as %d and as %d", s, i, n)
		}
	}
}

func sameLogs(t testing.TB, w *Walker, body []byte) {
	t.Helper()
	arrival := time.Unix(1000, 5)
	b, bad, err := w.Logs(bytes.Clone(body), arrival)
	req := plogotlp.NewExportRequest()
	if refErr := req.UnmarshalProto(body); refErr != nil {
		if err == nil {
			t.Fatalf("the walk took %d records, the reference says %v", len(b.Records), refErr)
		}
		return
	}
	if err != nil {
		if !stricter(err) {
			t.Fatalf("the walk says %v, the reference took it", err)
		}
		return
	}
	want, wantBad := toLogs(req.Logs(), arrival)
	if diff := cmp.Diff(wantBad, bad); diff != "" {
		t.Fatalf("(-reference +walk):\n%s", diff)
	}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Fatalf("(-reference +walk):\n%s", diff)
	}
}

func TestTracesAreAsTheReferenceReadsThem(t *testing.T) {
	w := NewWalker()
	bodies := append(sdkBodies(t), traceBody(t), typicalBody(t, false), typicalBody(t, true), nil)
	for range 2 { // the second time every word is known
		for _, body := range bodies {
			sameTraces(t, w, body)
		}
	}
	b := &pitwall.SpanBatch{}
	if bad, err := w.Traces(b, traceBody(t)); err != nil || b.Len() != 21 || bad.Count != 6 || !strings.Contains(bad.Reason, "edgeedge: no sound start time") {
		t.Errorf("%d spans and %+v: %v", b.Len(), bad, err)
	}
}

func TestLogsAreAsTheReferenceReadsThem(t *testing.T) {
	w := NewWalker()
	for range 2 {
		sameLogs(t, w, logBody(t))
		sameLogs(t, w, nil)
	}
	b, bad, err := w.Logs(logBody(t), time.Unix(1000, 0))
	if err != nil || len(b.Records) != 8 || bad.Count != 6 {
		t.Fatalf("%d records, %+v: %v", len(b.Records), bad, err)
	}
	if r := b.Records[4]; r.Service != "inventory" || r.Severity != pitwall.SeverityInfo || !r.At.Equal(time.Unix(0, 7)) || len(r.Text) != maxLogText ||
		r.Attrs[0] != (pitwall.Attr{Key: "k8s.pod.name", Value: "inventory-1"}) {
		t.Errorf("record %+v", r)
	}
}

func TestPointsAreCountedAsTheReferenceCountsThem(t *testing.T) {
	body := metricBody(t)
	req := pmetricotlp.NewExportRequest()
	if err := req.UnmarshalProto(body); err != nil {
		t.Fatal(err)
	}
	got, err := CountPoints(body)
	if want := (Points{Count: req.Metrics().DataPointCount(), Last: 104}); err != nil || got != want || got.Count != 15 {
		t.Errorf("%+v, want %+v: %v", got, want, err)
	}
	if got, err := CountPoints(nil); err != nil || got.Count != 0 {
		t.Errorf("nothing: %+v %v", got, err)
	}
}

// TestFieldsInAnyOrder reverses the fields of every message, so that resources
// come after spans and ids after attributes. The order of the items of a list
// turns too, so lists are turned back by reversing twice over.
func TestFieldsInAnyOrder(t *testing.T) {
	w := NewWalker()
	for _, body := range append(sdkBodies(t)[:1], traceBody(t)) {
		turned := reversed(body, kindTracesForTest)
		if bytes.Equal(turned, body) {
			t.Fatal("nothing was turned")
		}
		sameTraces(t, w, turned)
		if again := reversed(turned, kindTracesForTest); !bytes.Equal(again, body) {
			t.Fatal("turning twice is not the same")
		}
	}
	sameLogs(t, w, reversed(logBody(t), kindLogsForTest))
}

// The requests themselves have no kind, for they are walked by hand.
const (
	kindTracesForTest = 100
	kindLogsForTest   = 101
)

// reversed gives a message with its fields, and those of its messages, last
// first.
func reversed(b []byte, k kind) []byte {
	var out []byte
	for pos := 0; pos < len(b); {
		tag, next := tagAt(b, pos)
		end := skip(b, next, tag)
		var of kind
		switch k {
		case kindTracesForTest:
			of = kindResourceSpans
		case kindLogsForTest:
			of = kindResourceLogs
		default:
			of = partOf(k, tag).of
		}
		field := b[pos:end]
		if of > idBytes8 {
			from, to := chunk(b, next)
			inner := reversed(b[from:to], of)
			field = append(binary.AppendUvarint(binary.AppendUvarint(nil, tag), uint64(len(inner))), inner...)
		}
		out = append(bytes.Clone(field), out...)
		pos = end
	}
	return out
}

// TestTruncation cuts real bodies at every byte: a fault or, where a field just
// ended, what is left of the request, but never a panic and never half a span.
func TestTruncation(t *testing.T) {
	w := NewWalker()
	rich := encode(t, ptraceotlp.NewExportRequestFromTraces(richTraces(1)))
	for _, body := range [][]byte{rich, sdkBodies(t)[0]} {
		for n := range body {
			sameTraces(t, w, body[:n])
		}
	}
	logs, metrics := logBody(t), metricBody(t)
	for n := range logs[:1000] {
		sameLogs(t, w, logs[:n])
	}
	for n := range metrics {
		if p, err := CountPoints(metrics[:n]); n > 0 && err == nil {
			t.Fatalf("%d of %d bytes count as %d points", n, len(metrics), p.Count)
		}
	}
}

// TestDamage turns every byte of a real body over.
func TestDamage(t *testing.T) {
	w := NewWalker()
	body := sdkBodies(t)[0]
	for n := range body {
		for _, flip := range []byte{0x01, 0x80} {
			body[n] ^= flip
			sameTraces(t, w, body)
			body[n] ^= flip
		}
	}
}

func TestLongAndBrokenTextIsCut(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"short", 10, "short"}, {"0123456789ab", 10, "0123456…"}, {"äääääää", 10, "äää…"}, {"a\xffb", 10, "a\uFFFDb"},
	} {
		if got := clip(c.in, c.limit); got != c.want || len(got) > c.limit {
			t.Errorf("clip(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

// TestNothingRefersToTheBody overwrites the bytes that were walked.
func TestNothingRefersToTheBody(t *testing.T) {
	w, b := NewWalker(), &pitwall.SpanBatch{}
	body := traceBody(t)
	if _, err := w.Traces(b, body); err != nil {
		t.Fatal(err)
	}
	before := rows(b)
	for i := range body {
		body[i] = 'X'
	}
	if diff := cmp.Diff(before, rows(b)); diff != "" {
		t.Errorf("texts changed with the body:\n%s", diff)
	}
	other := &pitwall.SpanBatch{}
	if _, err := w.Traces(other, typicalBody(t, true)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, rows(b)); diff != "" {
		t.Errorf("the next request changed the batch of this one:\n%s", diff)
	}
}

// TestKnownWordsCostNothing: after the first request of its kind, a walk
// allocates nothing.
func TestKnownWordsCostNothing(t *testing.T) {
	w, b, body := NewWalker(), &pitwall.SpanBatch{}, typicalBody(t, false)
	walk := func() {
		if _, err := w.Traces(b, body); err != nil {
			t.Fatal(err)
		}
	}
	walk()
	if n := testing.AllocsPerRun(20, walk); n > 0 {
		t.Errorf("a known body costs %v allocations", n)
	}
}
