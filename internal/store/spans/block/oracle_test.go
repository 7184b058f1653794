package block

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

// oddWords are texts that break careless formats.
var oddWords = []string{"", "a", "GET /thing", "ünïcødé ☃", `quo"te'd`, "dot.ted.key", "new\nline", "nul\x00byte", "bad\xffutf8", "Foo", "foo", "FOO",
	"attr.x", "list", strings.Repeat("long ", 100)}

// oddRows makes spans of everything that is allowed.
func oddRows(rng *rand.Rand, n int) Rows {
	b := &pitwall.SpanBatch{}
	r := Rows{Batch: b}
	b.Intern("")
	word := func() string { return oddWords[rng.IntN(len(oddWords))] }
	number := func() int64 {
		return []int64{0, 1, -1, 1500, math.MaxInt64, rng.Int64N(1 << 40), rng.Int64N(1000)}[rng.IntN(7)]
	}
	keys := 1 + rng.IntN(80)
	for range n {
		row := pitwall.SpanRow{
			TraceID: pitwall.TraceID{15: byte(rng.IntN(1 + n/4))}, SpanID: rng.Uint64N(50), ParentID: rng.Uint64N(50) * rng.Uint64N(2),
			Start: time.Unix(0, epoch+rng.Int64N(1e12)), Duration: time.Duration(rng.Int64N(1e11)),
			Service: pitwall.ServiceName(word()), Version: pitwall.Version(word()), Operation: word(), Peer: word(), Statement: word(),
			Kind: pitwall.SpanKind(rng.IntN(9)), Failed: rng.IntN(3) == 0, ReqBytes: number(), RespBytes: number(),
		}
		if rng.IntN(20) == 0 {
			row.Kind, row.ParentID, row.SpanID = 255, rng.Uint64(), math.MaxUint64
		}
		for range rng.IntN(10) {
			key := word()
			if rng.IntN(2) == 0 {
				key = fmt.Sprint("key-", rng.IntN(keys))
			}
			row.Attrs = append(row.Attrs, pitwall.Attr{Key: key, Value: word()})
		}
		b.Add(row)
		r.Self, r.Critical = append(r.Self, number()), append(r.Critical, number())
	}
	return r
}

// matches is the oracle: what a query means, span by span.
func matches(row pitwall.SpanRow, q pitwall.SpanQuery) bool {
	end := row.Start.Add(row.Duration)
	if !q.Period.IsZero() && !q.Period.Contains(end) || q.Failed && !row.Failed || row.Duration < q.MinDuration ||
		q.Service != "" && row.Service != q.Service || q.Version != "" && row.Version != q.Version || q.Operation != "" && row.Operation != q.Operation {
		return false
	}
	for _, a := range q.Attrs {
		if !slices.Contains(row.Attrs, a) {
			return false
		}
	}
	return true
}

// canonical sorts the attributes of a span by key; values of one key keep their
// order, the keys' order is not kept by a block.
func canonical(row pitwall.SpanRow) pitwall.SpanRow {
	row.Attrs = slices.Clone(row.Attrs)
	slices.SortStableFunc(row.Attrs, func(x, y pitwall.Attr) int { return cmp.Compare(x.Key, y.Key) })
	return row
}

func rowsOf(b *pitwall.SpanBatch) []string {
	var rows []string
	for i := range b.Len() {
		rows = append(rows, fmt.Sprintf("%+q", fmt.Sprint(canonical(b.Row(i)))))
	}
	slices.Sort(rows)
	return rows
}

// oracle gives the rows that match, sorted.
func oracle(b *pitwall.SpanBatch, keep func(pitwall.SpanRow) bool) []string {
	out := &pitwall.SpanBatch{}
	for i := range b.Len() {
		if keep(b.Row(i)) {
			out.AppendFrom(b, i)
		}
	}
	return rowsOf(out)
}

// wrote writes and opens a block with small row groups.
func wrote(t testing.TB, r Rows, group, page int) *Block {
	t.Helper()
	path := filepath.Join(t.TempDir(), "b.parquet")
	w := newWriter(r, group)
	w.page = page
	m, err := write(t.Context(), path, w, WriteOptions{First: 3, Last: math.MaxUint64, Arrival: 77})
	if err != nil {
		t.Fatal(err)
	}
	return reopened(t, path, m)
}

func reopened(t testing.TB, path string, m Meta) *Block {
	t.Helper()
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	if b.Meta() != m {
		t.Errorf("Meta after Open is %+v, Write gave %+v", b.Meta(), m)
	}
	return b
}

// queries makes one question of each kind about these spans.
func queries(rng *rand.Rand, b *pitwall.SpanBatch) []pitwall.SpanQuery {
	row := b.Row(rng.IntN(b.Len()))
	end := row.Start.Add(row.Duration)
	near := pitwall.Period{From: end.Add(-time.Minute), To: end.Add(time.Minute)}
	qs := []pitwall.SpanQuery{
		{},
		{Period: near},
		{Period: pitwall.Period{From: end, To: end.Add(1)}},
		{Period: pitwall.Period{From: end.Add(-1), To: end}},
		{Service: row.Service}, {Operation: row.Operation}, {Version: row.Version},
		{Service: row.Service, Operation: row.Operation, Version: row.Version, Period: near},
		{Failed: true}, {MinDuration: row.Duration}, {MinDuration: row.Duration + 1, Failed: true, Period: near},
		{Service: "nobody"}, {Attrs: []pitwall.Attr{{Key: "nothing", Value: ""}}}, {Attrs: []pitwall.Attr{{Key: "", Value: ""}}},
		{MinDuration: math.MaxInt64},
	}
	// The ends of the first and the last are bounds of a page.
	first, last := end, end
	for i := range b.Len() {
		if at := time.Unix(0, b.Start[i]+b.Duration[i]); at.Before(first) {
			first = at
		} else if at.After(last) {
			last = at
		}
	}
	for _, p := range []pitwall.Period{{From: first, To: last}, {From: last, To: last.Add(1)}, {From: first.Add(-1), To: first}, {From: first, To: first.Add(1)}} {
		qs = append(qs, pitwall.SpanQuery{Period: p})
	}
	if len(row.Attrs) > 0 {
		a, z := row.Attrs[0], row.Attrs[len(row.Attrs)-1]
		qs = append(qs, pitwall.SpanQuery{Attrs: []pitwall.Attr{a}}, pitwall.SpanQuery{Attrs: []pitwall.Attr{z}},
			pitwall.SpanQuery{Attrs: []pitwall.Attr{a, z}, Period: near}, pitwall.SpanQuery{Attrs: []pitwall.Attr{z}, Service: row.Service},
			pitwall.SpanQuery{Attrs: []pitwall.Attr{{Key: a.Key, Value: "other"}}})
	}
	return qs
}

// TestAgainstOracle writes random spans and asks everything, of the block and of
// the plain batch.
func TestAgainstOracle(t *testing.T) {
	for seed := range uint64(24) {
		rng := rand.New(rand.NewPCG(seed, 1))
		r := oddRows(rng, 1+rng.IntN(400))
		b := wrote(t, r, 64, 16)
		if seed%4 == 0 {
			b = wrote(t, r, groupRows, pageRows)
		}
		for _, q := range queries(rng, r.Batch) {
			got, err := b.Spans(t.Context(), q)
			if err != nil {
				t.Fatalf("seed %d, %+v: %v", seed, q, err)
			}
			want := oracle(r.Batch, func(row pitwall.SpanRow) bool { return matches(row, q) })
			if diff := gocmp.Diff(want, rowsOf(got)); diff != "" {
				t.Fatalf("seed %d, %+v:\n%s", seed, q, diff)
			}
			checkMatches(t, b, r.Batch, q)
			checkScan(t, b, r, q)
		}
		checkTraces(t, rng, b, r.Batch)
	}
}

func checkMatches(t *testing.T, b *Block, batch *pitwall.SpanBatch, q pitwall.SpanQuery) {
	t.Helper()
	want := map[pitwall.TraceID]int{}
	for i := range batch.Len() {
		if matches(batch.Row(i), q) {
			want[batch.TraceID[i]] = 1
		}
	}
	got := map[pitwall.TraceID]int{}
	if err := b.Matches(t.Context(), q, func(id pitwall.TraceID) { got[id]++ }); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Fatalf("%+v: traces that match, and how often each was given:\n%s", q, diff)
	}
}

func checkTraces(t *testing.T, rng *rand.Rand, b *Block, batch *pitwall.SpanBatch) {
	t.Helper()
	for _, n := range []int{0, 1, 5, 300} {
		keep := map[pitwall.TraceID]struct{}{{0: 200}: {}}
		for range n {
			keep[batch.TraceID[rng.IntN(batch.Len())]] = struct{}{}
		}
		got, err := b.Traces(t.Context(), keep)
		if err != nil {
			t.Fatal(err)
		}
		want := oracle(batch, func(row pitwall.SpanRow) bool { _, ok := keep[row.TraceID]; return ok })
		if diff := gocmp.Diff(want, rowsOf(got)); diff != "" {
			t.Fatalf("traces %v:\n%s", keep, diff)
		}
	}
}

// scanned is a row as a scan gives it.
type scanned struct {
	Trace                                        pitwall.TraceID
	Span, Parent                                 uint64
	Start, Duration, Self, Critical, Req, Resp   int64
	Service, Version, Operation, Peer, Statement string
	Kind                                         pitwall.SpanKind
	Failed                                       bool
	Attrs                                        string
}

func checkScan(t *testing.T, b *Block, r Rows, q pitwall.SpanQuery) {
	t.Helper()
	keys := []string{"key-0", "key-1", "foo", "Foo", "dot.ted.key", "bad\xffutf8", "nobody's"}
	batch := r.Batch
	var want, got []string
	for i := range batch.Len() {
		row := batch.Row(i)
		if !matches(row, q) {
			continue
		}
		s := scanned{row.TraceID, row.SpanID, row.ParentID, batch.Start[i], batch.Duration[i], r.Self[i], r.Critical[i], row.ReqBytes, row.RespBytes,
			string(row.Service), string(row.Version), row.Operation, row.Peer, row.Statement, row.Kind, row.Failed, ""}
		for _, key := range keys {
			if at := slices.IndexFunc(row.Attrs, func(a pitwall.Attr) bool { return a.Key == key }); at >= 0 {
				s.Attrs += fmt.Sprintf("%q=%q ", key, row.Attrs[at].Value)
			}
		}
		want = append(want, fmt.Sprintf("%+v", s))
	}
	all := Columns{TraceID: true, SpanID: true, ParentID: true, Start: true, Duration: true, Self: true, Critical: true, Service: true, Version: true,
		Operation: true, Kind: true, Peer: true, Statement: true, Failed: true, ReqBytes: true, RespBytes: true, Attrs: keys}
	err := b.Scan(t.Context(), q, all, func(c *Chunk) error {
		for i := range c.Rows {
			s := scanned{c.TraceID[i], c.SpanID[i], c.ParentID[i], c.Start[i], c.Duration[i], c.Self[i], c.Critical[i], c.ReqBytes[i], c.RespBytes[i],
				c.Strings[c.Service[i]], c.Strings[c.Version[i]], c.Strings[c.Operation[i]], c.Strings[c.Peer[i]], c.Strings[c.Statement[i]],
				c.Kind[i], c.Failed[i], ""}
			for k, key := range keys {
				if v := c.Attrs[k][i]; v != Absent {
					s.Attrs += fmt.Sprintf("%q=%q ", key, c.Strings[v])
				}
			}
			got = append(got, fmt.Sprintf("%+v", s))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Fatalf("scan of %+v:\n%s", q, diff)
	}
}
