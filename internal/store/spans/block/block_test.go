package block

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/pitwall/pitwall"
)

var update = flag.Bool("update", false, "write the golden block of today's format anew")

// goldenRows are the spans of testdata/v1.parquet. They must never change.
func goldenRows() Rows {
	b := &pitwall.SpanBatch{}
	at := time.Unix(0, epoch)
	trace := pitwall.TraceID{1, 2, 3, 15: 9}
	b.Add(pitwall.SpanRow{TraceID: trace, SpanID: 11, Start: at, Duration: 5 * time.Millisecond, Service: "cart", Version: "v41", Operation: "GET /cart",
		Kind: pitwall.SpanServer, ReqBytes: -1, RespBytes: 512, Attrs: []pitwall.Attr{{Key: "http.route", Value: "/cart"}, {Key: "user.tier", Value: "gold"}}})
	b.Add(pitwall.SpanRow{TraceID: trace, SpanID: 1 << 63, ParentID: 11, Start: at.Add(time.Millisecond), Duration: 3 * time.Millisecond, Service: "cart",
		Version: "v41", Operation: "query", Peer: "db", Statement: "SELECT * FROM cart WHERE id = ?", Kind: pitwall.SpanClient, Failed: true,
		ReqBytes: 0, RespBytes: -1, Attrs: []pitwall.Attr{{Key: "try", Value: "1"}, {Key: "try", Value: "2"}, {Key: "", Value: ""}}})
	b.Add(pitwall.SpanRow{TraceID: pitwall.TraceID{7}, SpanID: 3, ParentID: 2, Start: at.Add(-time.Second), Duration: 0, Service: "mail", Operation: "send",
		Kind: 200, ReqBytes: -1, RespBytes: -1, Attrs: []pitwall.Attr{{Key: "raw", Value: "bad\xffutf8"}}})
	return Rows{Batch: b, Self: []int64{2e6, 3e6, -1}, Critical: []int64{2e6, 3e6, -1}}
}

// TestGolden reads a block that an earlier Pitwall wrote.
func TestGolden(t *testing.T) {
	path, r := filepath.Join("testdata", "v1.parquet"), goldenRows()
	o := WriteOptions{First: 41, Last: 43, Arrival: epoch + 7}
	if *update {
		if _, err := Write(t.Context(), path, r, o); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	b := reopened(t, path, Meta{Path: path, Spans: 3, Bytes: info.Size(), MinEnd: epoch - 1e9, MaxEnd: epoch + 5e6, First: 41, Last: 43, Arrival: epoch + 7})
	got, err := b.Spans(t.Context(), pitwall.SpanQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(rowsOf(r.Batch), rowsOf(got)); diff != "" {
		t.Error(diff)
	}
	if order := []uint64{3, 11, 1 << 63}; !slices.Equal(got.SpanID, order) {
		t.Errorf("spans %v, want %v: by trace, traces by their first start", got.SpanID, order)
	}
	checkScan(t, b, r, pitwall.SpanQuery{})
}

// TestReadableByOthers reads a block with the Parquet library's own row reader,
// as a program that knows nothing of blocks would.
func TestReadableByOthers(t *testing.T) {
	r := oddRows(rand.New(rand.NewPCG(9, 9)), 300)
	b := wrote(t, r, 128, 32)
	f, err := os.Open(b.Meta().Path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file, err := parquet.OpenFile(f, b.Meta().Bytes)
	if err != nil {
		t.Fatal(err)
	}
	reader := parquet.NewReader(file)
	defer reader.Close()
	var got []string
	for range r.Batch.Len() {
		row := map[string]any{}
		if err := reader.Read(&row); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(row["span_id"], row["parent_id"], row["start_ns"], row["duration_ns"], row["self_ns"], row["failed"],
			asText(row["operation"]), asText(row["kind"]), row["resp_bytes"], attrsOf(row)))
	}
	var want []string
	null := func(v int64) any {
		if v == -1 {
			return nil
		}
		return v
	}
	for i := range r.Batch.Len() {
		row := r.Batch.Row(i)
		attrs := map[string]int{}
		for _, a := range row.Attrs {
			attrs[fmt.Sprintf("%q=%q", a.Key, a.Value)]++
		}
		want = append(want, fmt.Sprint(int64(row.SpanID), int64(row.ParentID) /* the reader forgets that they are unsigned */, r.Batch.Start[i], r.Batch.Duration[i], null(r.Self[i]), row.Failed,
			row.Operation, kindName(row.Kind), null(row.RespBytes), attrs))
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func asText(v any) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}

// attrsOf counts the attributes of a row as another reader sees it.
func attrsOf(row map[string]any) map[string]int {
	attrs := map[string]int{}
	for name, v := range row {
		if key, ok := strings.CutPrefix(name, attrPrefix); ok && v != nil {
			attrs[fmt.Sprintf("%q=%q", key, asText(v))]++
		}
	}
	entries, _ := row["attrs"].([]any)
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		attrs[fmt.Sprintf("%q=%q", asText(entry["key"]), asText(entry["value"]))]++
	}
	return attrs
}

// TestManyValues has columns too varied for a dictionary, in attributes with and
// without a column, over several row groups of full size.
func TestManyValues(t *testing.T) {
	const spans = 100_000
	r := traffic(shape{spans: spans, start: epoch, gap: 1_000_000, seed: 3})
	b := r.Batch
	key, key2 := b.Intern("order.id"), b.Intern("ORDER.ID") // differ by case only: one has no column
	b.AttrKey, b.AttrValue = b.AttrKey[:0], b.AttrValue[:0]
	for i := range b.AttrEnd {
		v := b.Intern(fmt.Sprintf("order-%d", i*7))
		b.AttrKey, b.AttrValue = append(b.AttrKey, key, key2), append(b.AttrValue, v, v)
		b.AttrEnd[i] = uint32(len(b.AttrKey))
	}
	k := wrote(t, r, groupRows, pageRows)
	if len(k.attrs) != 1 {
		t.Errorf("columns %v", k.attrs)
	}
	for _, name := range []string{"order.id", "ORDER.ID"} {
		for _, i := range []int{0, 1, 40_000, spans - 1} {
			q := pitwall.SpanQuery{Attrs: []pitwall.Attr{{Key: name, Value: fmt.Sprintf("order-%d", i*7)}}}
			got, err := k.Spans(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if got.Len() != 1 || fmt.Sprint(canonical(got.Row(0))) != fmt.Sprint(canonical(b.Row(i))) {
				t.Errorf("%+v: %d spans", q, got.Len())
			}
		}
	}
	seen := map[string]int{}
	err := k.Scan(t.Context(), pitwall.SpanQuery{}, Columns{Attrs: []string{"order.id", "ORDER.ID"}}, func(c *Chunk) error {
		for i := range c.Rows {
			if c.Attrs[0][i] != c.Attrs[1][i] {
				t.Fatal("one number for two texts, or two for one")
			}
			seen[c.Strings[c.Attrs[0][i]]]++
		}
		return nil
	})
	if err != nil || len(seen) != spans {
		t.Errorf("%d values, %v", len(seen), err)
	}
}

// TestRepeatedWords: a dictionary that has a word twice, as a careless sender may
// make it, hides nothing.
func TestRepeatedWords(t *testing.T) {
	r := traffic(shape{spans: 100, start: epoch, gap: 1_000_000})
	b := r.Batch
	twin, service := uint32(len(b.Strings)), b.Service[7]
	b.Strings = append(b.Strings, b.Strings[service])
	b.Service[7] = twin
	key := b.AttrKey[0]
	b.Strings = append(b.Strings, b.Strings[key])
	b.AttrKey[0] = twin + 1
	k := wrote(t, r, groupRows, pageRows)
	for _, q := range []pitwall.SpanQuery{
		{Service: pitwall.ServiceName(b.Strings[service])},
		{Attrs: []pitwall.Attr{{Key: b.Strings[key], Value: b.Strings[b.AttrValue[0]]}}},
	} {
		got, err := k.Spans(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(oracle(b, func(row pitwall.SpanRow) bool { return matches(row, q) }), rowsOf(got)); diff != "" {
			t.Errorf("%+v:\n%s", q, diff)
		}
	}
}

// TestManyAttributes: more keys than columns, and more on one span than a page
// has rows.
func TestManyAttributes(t *testing.T) {
	r := Rows{Batch: &pitwall.SpanBatch{}}
	for span := range 50 {
		row := pitwall.SpanRow{TraceID: pitwall.TraceID{byte(span)}, SpanID: uint64(span), Start: time.Unix(0, epoch), ReqBytes: -1, RespBytes: -1}
		n := 60
		if span == 20 {
			n = 20_000
		}
		for k := range n {
			row.Attrs = append(row.Attrs, pitwall.Attr{Key: fmt.Sprint("key.", k), Value: fmt.Sprint(span, "/", k)})
		}
		r.Batch.Add(row)
	}
	b := wrote(t, r, groupRows, pageRows)
	if len(b.attrs) != maxAttrColumns {
		t.Errorf("%d attribute columns, want %d", len(b.attrs), maxAttrColumns)
	}
	got, err := b.Spans(t.Context(), pitwall.SpanQuery{Attrs: []pitwall.Attr{{Key: "key.19999", Value: "20/19999"}, {Key: "key.3", Value: "20/3"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got.Len() != 1 || fmt.Sprint(canonical(got.Row(0))) != fmt.Sprint(canonical(r.Batch.Row(20))) {
		t.Errorf("%d spans", got.Len())
	}
}

// TestLongTexts: texts so long that a row group of usual size could pass what
// Parquet's lengths hold make smaller row groups.
func TestLongTexts(t *testing.T) {
	r := Rows{Batch: &pitwall.SpanBatch{}}
	long := strings.Repeat("SELECT ", 1<<20)
	for span := range 100 {
		r.Batch.Add(pitwall.SpanRow{TraceID: pitwall.TraceID{byte(span)}, SpanID: uint64(span), Start: time.Unix(0, epoch), Statement: long})
	}
	path := filepath.Join(t.TempDir(), "b")
	m, err := Write(t.Context(), path, r, WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b := reopened(t, path, m)
	if len(b.groups) < 2 {
		t.Errorf("%d row groups", len(b.groups))
	}
	got, err := b.Traces(t.Context(), map[pitwall.TraceID]struct{}{{99}: {}})
	if err != nil || got.Len() != 1 || got.Row(0).Statement != long {
		t.Errorf("%d spans, %v", got.Len(), err)
	}
}

// TestReadersTogether lets many read one block while it is closed.
func TestReadersTogether(t *testing.T) {
	r := traffic(shape{spans: 20_000, start: epoch, gap: 1_000_000})
	b := wrote(t, r, 1<<14, 1<<12)
	var wait sync.WaitGroup
	for n := range 8 {
		wait.Go(func() {
			q := pitwall.SpanQuery{Service: pitwall.ServiceName(fmt.Sprintf("service-%02d", n))}
			want := len(oracle(r.Batch, func(row pitwall.SpanRow) bool { return matches(row, q) }))
			for range 5 {
				got, err := b.Spans(t.Context(), q)
				if err == nil && got.Len() != want {
					t.Errorf("%d spans, want %d", got.Len(), want)
				}
				if err != nil && !errors.Is(err, os.ErrClosed) {
					t.Error(err)
				}
			}
		})
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	wait.Wait()
	if _, err := b.Spans(t.Context(), pitwall.SpanQuery{}); !errors.Is(err, os.ErrClosed) || pitwall.KindOf(err) != pitwall.Unavailable {
		t.Errorf("after Close: %v", err)
	}
}

// TestCancelled: whoever does not wait any more gets an error, and a scan ends
// with the error of its caller.
func TestCancelled(t *testing.T) {
	r := traffic(shape{spans: 1000, start: epoch, gap: 1_000_000})
	b := wrote(t, r, groupRows, pageRows)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Spans(ctx, pitwall.SpanQuery{}); !errors.Is(err, context.Canceled) || pitwall.KindOf(err) != pitwall.Unavailable {
		t.Errorf("Spans: %v", err)
	}
	dir := t.TempDir()
	if _, err := Write(ctx, filepath.Join(dir, "b"), r, WriteOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Write: %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("%v left", files)
	}
	enough := errors.New("enough")
	if err := b.Scan(t.Context(), pitwall.SpanQuery{}, Columns{Duration: true}, func(*Chunk) error { return enough }); err != enough { //nolint:errorlint // as it is
		t.Errorf("Scan: %v", err)
	}
}
