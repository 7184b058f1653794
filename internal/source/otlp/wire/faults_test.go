package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

// field writes one length-delimited field.
func field(number int, content []byte) []byte {
	return append(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(number)<<3|typeLen), uint64(len(content))), content...)
}

func inSpan(content []byte) []byte { return field(1, field(2, field(2, content))) }

func TestFaultsSayWhere(t *testing.T) {
	attr := field(9, append(field(1, []byte("k")), field(2, field(1, []byte("v")))...))
	deep := field(1, []byte("x"))
	for range maxNesting {
		deep = field(5, field(1, deep))
	}
	wide := bytes.Repeat(field(1, nil), maxElements+1)
	for _, c := range []struct {
		name string
		body []byte
		err  error
		says string
	}{
		{"text as body", []byte("GET / HTTP/1.1"), ErrWireType, "byte 0"},
		{"length beyond the end", []byte{10, 200, 1}, ErrTruncated, "byte 0, in resource_spans[0]: it ends"},
		{"resource spans as number", []byte{8, 1}, ErrWireType, "byte 0, in resource_spans[0]"},
		{"field 0", inSpan([]byte{2, 0}), ErrField, "byte 6, in resource_spans[0].scope_spans[0].spans[0]: no such"},
		{"group", inSpan([]byte{0xa3, 1, 0xa4, 1}), ErrGroup, "spans[0]: groups"},
		{"tag written too long", inSpan([]byte{0x8a, 0, 0}), ErrVarint, "spans[0]"},
		{"endless number", inSpan(append([]byte{6 << 3}, bytes.Repeat([]byte{0xff}, 12)...)), ErrVarint, "spans[0].kind"},
		{"number of 65 bits", inSpan(append([]byte{6 << 3}, append(bytes.Repeat([]byte{0xff}, 9), 2)...)), ErrVarint, "spans[0].kind"},
		{"short trace id", inSpan(field(1, []byte{1})), ErrID, "spans[0].trace_id: an id"},
		{"short span id", inSpan(field(2, []byte{1})), ErrID, "spans[0].span_id: an id"},
		{"short id in a link", inSpan(field(13, field(2, []byte{1}))), ErrID, "spans[0].links[0].span_id: an id"},
		{"third attribute", inSpan(bytes.Join([][]byte{attr, attr, field(9, []byte{10, 5})}, nil)), ErrTruncated, "spans[0].attributes[2].key: it ends"},
		{"second span", field(1, field(2, append(field(2, attr), field(2, field(15, []byte{24}))...))), ErrTruncated, "scope_spans[0].spans[1].status.code: it ends"},
		{"event", inSpan(bytes.Join([][]byte{field(1, bytes.Repeat([]byte{1}, 16)), field(2, bytes.Repeat([]byte{1}, 8)), {7<<3 | 1, 1, 0, 0, 0, 0, 0, 0, 0},
			field(11, field(3, []byte{10, 9}))}, nil)), ErrTruncated, "spans[0].events[0].attributes[0].key"},
		{"deep", inSpan(field(9, field(2, deep))), ErrNesting, "attributes[0].value.array_value.values[0]"},
		{"wide", inSpan(field(9, field(2, field(5, wide)))), ErrElements, "attributes[0].value.array_value.values[65"},
	} {
		b := &pitwall.SpanBatch{}
		_, err := NewWalker().Traces(b, c.body)
		if !errors.Is(err, c.err) || !strings.Contains(fmt.Sprint(err), c.says) || b.Len() != 0 {
			t.Errorf("%s: %v, want %v and %q", c.name, err, c.err, c.says)
		}
	}
	if _, _, err := NewWalker().Logs(field(1, field(2, field(2, field(9, []byte{1})))), time.Time{}); fmt.Sprint(err) !=
		"byte 6, in resource_logs[0].scope_logs[0].log_records[0].trace_id: an id has the wrong length" {
		t.Errorf("logs: %v", err)
	}
	if _, err := CountPoints(field(1, field(2, field(2, field(5, field(1, field(7, field(2, deep)))))))); !errors.Is(err, ErrNesting) {
		t.Errorf("metrics: %v", err)
	}
}

func TestOldScopesCountWhereThereAreNoNew(t *testing.T) {
	span := func(id byte) []byte {
		return field(2, bytes.Join([][]byte{field(1, bytes.Repeat([]byte{1}, 16)), field(2, bytes.Repeat([]byte{id}, 8)), {7<<3 | 1, 1, 0, 0, 0, 0, 0, 0, 0}}, nil))
	}
	w := NewWalker()
	for _, body := range [][]byte{
		field(1, field(1000, span(1))),
		field(1, append(field(1000, span(1)), field(2, span(2))...)),
		field(1, append(field(2, span(2)), field(1000, span(1))...)),
		field(1, append(field(2, span(2)), field(1000, []byte{18, 9})...)),
		field(1, append(field(1000, span(1)), 0xc0, 0x3e, 1)),
	} {
		sameTraces(t, w, body)
	}
}

// TestTheFirstExceptionCounts: of its events the first that is one, of its
// attributes the first of the name, and the others are checked all the same.
func TestTheFirstExceptionCounts(t *testing.T) {
	attr := func(v string) []byte {
		return field(3, append(field(1, []byte("exception.type")), field(2, field(1, []byte(v)))...))
	}
	named := field(2, []byte("exception"))
	events := [][]byte{
		append(attr("NotNamed"), field(2, []byte("other"))...),
		bytes.Join([][]byte{attr("First"), attr("Second"), named}, nil),
		append(bytes.Clone(named), attr("Third")...),
	}
	span := (maker{rand.New(rand.NewPCG(1, 1))}).fit()
	for _, e := range events {
		span = append(span, field(11, e)...)
	}
	w, b := NewWalker(), &pitwall.SpanBatch{}
	sameTraces(t, w, inSpan(span))
	if _, err := w.Traces(b, inSpan(span)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]pitwall.Attr{{Key: "exception.type", Value: "First"}}, b.Row(0).Attrs); diff != "" {
		t.Error(diff)
	}
	if _, err := w.Traces(b, inSpan(append(span, field(11, field(3, []byte{10, 9}))...))); !errors.Is(err, ErrTruncated) {
		t.Errorf("a broken event behind the first: %v", err)
	}
}

func TestTooManyTexts(t *testing.T) {
	var spans []byte
	for i := range maxWords/1000 + 1 {
		span := bytes.Join([][]byte{field(1, bytes.Repeat([]byte{1}, 16)), field(2, bytes.Repeat([]byte{1}, 8)), {7<<3 | 1, 1, 0, 0, 0, 0, 0, 0, 0}}, nil)
		for k := range 1000 {
			span = append(span, field(9, field(1, fmt.Append(nil, i, "-", k)))...)
		}
		spans = append(spans, field(2, span)...)
	}
	w, b := NewWalker(), &pitwall.SpanBatch{}
	if _, err := w.Traces(b, field(1, field(2, spans))); !errors.Is(err, ErrWords) || b.Len() != 0 {
		t.Errorf("%d spans: %v", b.Len(), err)
	}
	sameTraces(t, w, traceBody(t))
	if len(w.words.list) > warmWords || len(w.words.slots) > 2*warmWords {
		t.Errorf("%d words are remembered", len(w.words.list))
	}
	records := bytes.Repeat(field(2, field(5, field(1, []byte("x")))), maxRecords+1)
	if _, _, err := w.Logs(field(1, field(2, records)), time.Time{}); !errors.Is(err, ErrRecords) {
		t.Errorf("logs: %v", err)
	}
}

// TestMemoryOfWordsIsBounded: many short texts are too many, few long ones too.
func TestMemoryOfWordsIsBounded(t *testing.T) {
	for _, c := range []struct{ texts, length int }{{warmWords + 100, 5}, {warmBytes/1000 + 100, 1000}} {
		span := (maker{rand.New(rand.NewPCG(1, 1))}).fit()
		for i := range c.texts {
			span = append(span, field(9, field(2, field(1, fmt.Appendf(nil, "%0*x", c.length, i))))...)
		}
		w, b := NewWalker(), &pitwall.SpanBatch{}
		if _, err := w.Traces(b, inSpan(span)); err != nil || len(w.words.list) < c.texts {
			t.Fatalf("%d words: %v", len(w.words.list), err)
		}
		if _, err := w.Traces(b, nil); err != nil || len(w.words.list) > 0 {
			t.Errorf("%d texts of %d bytes are remembered: %v", len(w.words.list), c.length, err)
		}
	}
}
