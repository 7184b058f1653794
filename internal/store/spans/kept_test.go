package spans

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/spans/block"
)

// still opens a store whose goroutines are at rest, with a clock that the test
// moves: what is due happens when the test says so.
func still(t testing.TB, dir string, now *time.Time, opt Options) *Store {
	t.Helper()
	opt.Now = func() time.Time { return *now }
	s := open(t, dir, opt)
	s.end()
	s.done.Wait()
	return s
}

func TestADeliveryThatComesAgainIsStoredOnce(t *testing.T) {
	dir, now := t.TempDir(), at(0)
	s := still(t, dir, &now, Options{})
	deliver := func(s *Store, n int, id uint64) {
		b := requests(n, n+1, "v1", each(0))
		b.Delivery = id
		add(t, s, b)
	}
	expect := func(s *Store, spans int, duplicates uint64) {
		t.Helper()
		if got, h := ask(t, s, pitwall.SpanQuery{}).Len(), s.Health()[0]; got != spans || h.Duplicates != duplicates {
			t.Errorf("%d spans and %d duplicates, want %d and %d", got, h.Duplicates, spans, duplicates)
		}
	}
	deliver(s, 1, 7)
	deliver(s, 1, 7)
	deliver(s, 2, 0)
	deliver(s, 2, 0) // nobody knows whether that is the same
	deliver(s, 3, 8)
	expect(s, 12, 1)
	_ = s.Close()
	s = still(t, dir, &now, Options{})
	deliver(s, 1, 7)
	deliver(s, 3, 8)
	expect(s, 12, 2)
	now = now.Add(11 * time.Minute)
	deliver(s, 1, 7)
	expect(s, 15, 2)
	deliver(s, 1, 7)
	expect(s, 15, 3)
}

func TestDeliveriesAreBounded(t *testing.T) {
	d := newDeliveries(3)
	for id := uint64(1); id <= 5; id++ {
		d.stored(id, 10)
	}
	if d.known(1, 10) || d.known(2, 10) || !d.known(3, 10) || !d.known(5, 10) || len(d.at) != 3 {
		t.Errorf("remembered %v, want the last three", d.at)
	}
}

// TestALogOfTheFirstVersion reads a segment that an earlier release wrote.
func TestALogOfTheFirstVersion(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/v1")); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, Options{})
	want := append(rows(requests(0, 4, "v1", each(time.Second))), rows(requests(4, 6, "v2", each(time.Second)))...)
	same(t, "an old log", want, rows(ask(t, s, pitwall.SpanQuery{})))
	if s.Health()[0].Message != "" || s.Position() != 2 {
		t.Errorf("position %d, health %q", s.Position(), s.Health()[0].Message)
	}
}

func TestTheLogIsKeptForTapsAndThenForgotten(t *testing.T) {
	dir, now := t.TempDir(), at(0)
	opt := Options{SegmentBytes: 2000, HeadSpans: 100, TraceIdle: time.Second, TapKeep: 15 * time.Minute}
	s := still(t, dir, &now, opt)
	n := 0
	for minute := range 40 {
		now = at(time.Duration(minute) * time.Minute)
		for range 20 {
			add(t, s, requests(n, n+1, "v1", func(int) time.Time { return now }))
			n++
		}
		cutAll(t, s)
		s.upkeep()
	}
	first := uint64(0)
	if err := s.Tap(0, func(p uint64, _ *pitwall.SpanBatch) {
		if first == 0 {
			first = p
		}
	}); err != nil {
		t.Fatal(err)
	}
	// Twenty batches a minute; segments are forgotten whole.
	if want := uint64(20 * 25); first > want || first < want-20*3 {
		t.Errorf("the log begins at %d, want a little before %d", first, want)
	}
	want := sorted(ask(t, s, pitwall.SpanQuery{}))
	if len(want) != 3*n {
		t.Fatalf("%d spans, want all %d", len(want), 3*n)
	}
	position := s.Position()
	_ = s.Close()
	s = still(t, dir, &now, opt)
	same(t, "opened again", want, sorted(ask(t, s, pitwall.SpanQuery{})))
	if got := s.Requests("edge", "", pitwall.Period{From: at(30 * time.Minute), To: at(41 * time.Minute)}); got != 200 {
		t.Errorf("%d requests in the last ten minutes after a restart, want 200", got)
	}
	// A log that was lost, but not the blocks: positions go on.
	_ = s.Close()
	for _, f := range segments(t, dir) {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	s = still(t, dir, &now, opt)
	before := ask(t, s, pitwall.SpanQuery{}).Len()
	add(t, s, requests(n, n+1, "v1", func(int) time.Time { return now }))
	_ = s.Close()
	s = still(t, dir, &now, opt)
	if got := ask(t, s, pitwall.SpanQuery{}).Len(); got != before+3 || s.Position() <= position-30 {
		t.Errorf("%d spans, want %d: a new batch must not count as one that a block has", got, before+3)
	}
}

// TestTracesAreClosedOnceAndAddUp: whatever cuts a trace into pieces, its self
// times and its critical path are those of the whole.
func TestTracesAreClosedOnceAndAddUp(t *testing.T) {
	f := func(name string, opt Options, least int, batches ...*pitwall.SpanBatch) {
		t.Run(name, func(t *testing.T) {
			now := at(0)
			s := still(t, t.TempDir(), &now, opt)
			for _, b := range batches {
				add(t, s, b)
			}
			now = now.Add(time.Hour)
			add(t, s, requests(100, 101, "v1", each(0))) // of another trace, too young
			s.opt.HeadSpans = min(s.opt.HeadSpans, 100)
			cutAll(t, s)
			if st := s.Stats(); st.Cuts < uint64(least) || !opt.NoBlocks && (st.BlockSpans != 300 || st.HeadSpans != 3) {
				t.Fatalf("%+v, want the idle traces to be cut %d times", st, least)
			}
			if got, want := closedSums(t, s), wantedSums(); !slices.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
			dir := s.dir
			_ = s.Close()
			s = still(t, dir, &now, opt)
			if got, want := closedSums(t, s), wantedSums(); !slices.Equal(got, want) {
				t.Errorf("opened again: got  %v\nwant %v", got, want)
			}
		})
	}
	all := requests(0, 100, "v1", func(int) time.Time { return at(0) })
	var layers []*pitwall.SpanBatch // all edges, then all calls, then all checkouts
	for k := range 3 {
		b := &pitwall.SpanBatch{}
		for row := k; row < all.Len(); row += 3 {
			b.AppendFrom(all, row)
		}
		layers = append(layers, b)
	}
	f("in one block", Options{HeadSpans: 1000}, 1, all)
	f("parents first", Options{HeadSpans: 1000}, 3, layers...)
	f("children first", Options{HeadSpans: 1000}, 3, layers[2], layers[1], layers[0])
	f("without blocks", Options{NoBlocks: true, MaxSpans: 1600, HeadSpans: 100}, 3, layers...)
}

type operationSum struct {
	operation             string
	kind                  pitwall.SpanKind
	count, closed         int64
	total, self, critical time.Duration
}

func closedSums(t *testing.T, s *Store) (sums []operationSum) {
	t.Helper()
	totals, err := s.Operations(t.Context(), pitwall.OperationQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range totals {
		sums = append(sums, operationSum{string(o.Service) + " " + o.Operation, o.Kind, o.Count, o.Closed, o.Total, o.Self, o.Critical})
	}
	return sums
}

// wantedSums are those of a hundred closed requests and a young one.
func wantedSums() []operationSum {
	const ms = time.Millisecond
	return []operationSum{
		{"edge POST /checkout", pitwall.SpanServer, 101, 100, 101 * 30 * ms, 500 * ms, 500 * ms},
		{"edge checkout", pitwall.SpanClient, 101, 100, 101 * 25 * ms, 500 * ms, 500 * ms},
		{"checkout POST /checkout", pitwall.SpanServer, 101, 100, 101 * 20 * ms, 2000 * ms, 2000 * ms},
	}
}

// TestATraceThatCrossesCuts: its first spans go into a block while the rest is
// still in memory, and go into the next.
func TestATraceThatCrossesCuts(t *testing.T) {
	now := at(0)
	s := still(t, t.TempDir(), &now, Options{MaxSpans: 160, HeadSpans: 20}) // ten spans to a chunk
	all := &pitwall.SpanBatch{}
	request(all, 1, "v1", at(0))
	request(all, 2, "v1", at(0))
	for _, row := range []int{2, 5, 1, 4} { // children first
		b := &pitwall.SpanBatch{}
		b.AppendFrom(all, row)
		add(t, s, b)
		add(t, s, requests(10*row+10, 10*row+13, "v1", each(0)))
	}
	s.opt.HeadSpans = 1
	if !s.cutOnce(t.Context()) || s.Stats().BlockSpans == 0 || s.Stats().HeadSpans == 0 {
		t.Fatalf("the test wants a cut through the middle: %+v", s.Stats())
	}
	id := all.TraceID[0]
	trace, err := s.Trace(t.Context(), id)
	if err != nil || trace.Len() != 2 {
		t.Fatalf("half a trace in pieces: %v, %v", trace, err)
	}
	for _, row := range []int{0, 3} {
		b := &pitwall.SpanBatch{}
		b.AppendFrom(all, row)
		add(t, s, b)
	}
	s.cutOnce(t.Context())
	got := ask(t, s, pitwall.SpanQuery{Operation: "checkout", Attrs: []pitwall.Attr{{Key: "cart", Value: "1"}}, WholeTraces: true})
	one := &pitwall.SpanBatch{}
	request(one, 1, "v1", at(0))
	same(t, "the trace from all its pieces", sorted(one), sorted(got))
}

func TestSamplingKeepsWhatMatters(t *testing.T) {
	now := at(0)
	dir := t.TempDir()
	opt := Options{Sample: 0.1, HeadSpans: 100}
	s := still(t, dir, &now, opt)
	b := &pitwall.SpanBatch{}
	for n := range 2000 {
		d := 10 * time.Millisecond
		if n == 777 {
			d = time.Second
		}
		b.Add(pitwall.SpanRow{
			TraceID: pitwall.TraceID{14: byte(n >> 8), 15: byte(n)}, SpanID: uint64(n) + 1, Service: "shop", Operation: "GET /",
			Start: at(0), Duration: d, Failed: n%100 == 5, Kind: pitwall.SpanServer,
		})
	}
	add(t, s, b)
	now = now.Add(time.Hour)
	cutAll(t, s)
	got := ask(t, s, pitwall.SpanQuery{})
	if got.Len() < 150 || got.Len() > 300 || s.Stats().HeadSpans != 0 {
		t.Errorf("%d of 2000 spans kept with a tenth, %+v", got.Len(), s.Stats())
	}
	if failed := ask(t, s, pitwall.SpanQuery{Failed: true}); failed.Len() != 20 {
		t.Errorf("%d of 20 failed spans kept", failed.Len())
	}
	if slow := ask(t, s, pitwall.SpanQuery{MinDuration: time.Second}); slow.Len() != 1 {
		t.Errorf("the slowest span was kept %d times", slow.Len())
	}
	totals, err := s.Operations(t.Context(), pitwall.OperationQuery{})
	if err != nil || len(totals) != 1 || totals[0].Count != 2000 || totals[0].Failed != 20 {
		t.Errorf("sums must be of all spans: %+v, %v", totals, err)
	}
	if left := s.Stats().LeftOut; left != uint64(2000-got.Len()) {
		t.Errorf("%d left out, want %d", left, 2000-got.Len())
	}
	want := sorted(got)
	_ = s.Close()
	s = still(t, dir, &now, opt)
	same(t, "opened again", want, sorted(ask(t, s, pitwall.SpanQuery{})))
}

func TestACutOfWhichNothingIsKept(t *testing.T) {
	now := at(0)
	dir := t.TempDir()
	opt := Options{Sample: 1e-18, HeadSpans: 10}
	s := still(t, dir, &now, opt)
	b := &pitwall.SpanBatch{}
	b.Add(pitwall.SpanRow{TraceID: pitwall.TraceID{1}, SpanID: 1, Service: "a", Start: at(0), Duration: time.Second})
	add(t, s, b)
	s.opt.HeadSpans = 1
	s.cutter.chosen = nil
	now = now.Add(time.Hour)
	cutAll(t, s)
	blocks := s.Stats().Blocks
	_ = s.Close()
	s = still(t, dir, &now, opt)
	totals, err := s.Operations(t.Context(), pitwall.OperationQuery{})
	if err != nil || len(totals) != 1 || totals[0].Count != 1 {
		t.Errorf("with %d blocks the sums are %+v, %v", blocks, totals, err)
	}
}

func TestBlocksSwitchedOffAndOn(t *testing.T) {
	dir, now := t.TempDir(), at(0)
	opt := Options{HeadSpans: 50, MaxSpans: 2000, TraceIdle: time.Second, Retention: 24 * time.Hour}
	n := 0
	var sent []pitwall.SpanRow
	for round, noBlocks := range []bool{false, true, false, true, true, false} {
		opt.NoBlocks = noBlocks
		s := still(t, dir, &now, opt)
		for range 4 {
			now = now.Add(15 * time.Minute)
			b := requests(n, n+30, "v1", func(int) time.Time { return now })
			n += 30
			sent = append(sent, sorted(b)...)
			add(t, s, b)
			cutAll(t, s)
		}
		got := ask(t, s, pitwall.SpanQuery{})
		same(t, fmt.Sprint("round ", round), sent, sorted(got))
		for _, o := range closedSums(t, s) {
			if o.count != int64(n) {
				t.Errorf("round %d: %d spans of %s added up, want %d", round, o.count, o.operation, n)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBlocksHaveTheirTimeAndTheirBudget(t *testing.T) {
	dir, now := t.TempDir(), at(0)
	opt := Options{HeadSpans: 100, TraceIdle: time.Second, TapKeep: time.Minute, Retention: 2 * time.Hour, SegmentBytes: 2000}
	s := still(t, dir, &now, opt)
	n := 0
	step := func(minutes int) {
		for range minutes / 4 {
			now = now.Add(4 * time.Minute)
			add(t, s, requests(n, n+30, "v1", func(int) time.Time { return now }))
			n += 30
			cutAll(t, s)
			s.tidy(t.Context())
			s.upkeep()
		}
	}
	step(180)
	begin := now.Add(-opt.Retention)
	since, sums, _ := s.Kept()
	if since.Before(begin.Add(-10*time.Minute)) || since.After(begin.Add(10*time.Minute)) {
		t.Errorf("spans since %v, want about %v", since, begin)
	}
	if !sums.Equal(at(0).Truncate(time.Hour)) {
		t.Errorf("sums since %v, want all", sums)
	}
	s.opt.DiskBytes = s.Stats().BlockBytes / 2
	s.tidy(t.Context())
	if st := s.Stats(); st.BlockBytes > s.opt.DiskBytes || st.BlockBytes < s.opt.DiskBytes/2 {
		t.Errorf("%d bytes of blocks, want a little under %d", st.BlockBytes, s.opt.DiskBytes)
	}
	s.opt.DiskBytes = 1
	s.tidy(t.Context())
	if st := s.Stats(); st.Blocks != 1 {
		t.Errorf("%d blocks; the newest stays whatever the budget", st.Blocks)
	}
	want, err := s.Operations(t.Context(), pitwall.OperationQuery{})
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(3 * time.Hour)
	cutAll(t, s)
	s.tidy(t.Context())
	if st := s.Stats(); st.Blocks != 0 || st.HeadSpans != 0 {
		t.Errorf("%+v outlived the retention", st)
	}
	_ = s.Close()
	s = still(t, dir, &now, opt)
	got, err := s.Operations(t.Context(), pitwall.OperationQuery{})
	if err != nil || len(got) != len(want) || got[0].Count != int64(n) {
		t.Errorf("sums after all blocks have gone and a restart: %+v, %v", got, err)
	}
}

// TestLongTextsDoNotFillMemory: what counts is bytes as well as spans.
func TestLongTextsDoNotFillMemory(t *testing.T) {
	now := at(0)
	s := still(t, t.TempDir(), &now, Options{HeadBytes: 4 << 20})
	for n := range 40 {
		b := &pitwall.SpanBatch{}
		b.Add(pitwall.SpanRow{TraceID: pitwall.TraceID{1: byte(n)}, SpanID: uint64(n) + 1, Service: "a", Start: at(0),
			Statement: strings.Repeat(string(rune('a'+n%26)), 500_000+n)})
		add(t, s, b)
		cutAll(t, s)
		if bytes := s.Stats().HeadBytes; bytes > 5<<20 {
			t.Fatalf("%d bytes in memory after %d spans", bytes, n)
		}
	}
	if got := ask(t, s, pitwall.SpanQuery{Service: "a"}); got.Len() != 40 || s.Stats().Blocks == 0 {
		t.Errorf("%d spans, %+v", got.Len(), s.Stats())
	}
}

func TestADamagedBlockIsSetAside(t *testing.T) {
	dir, now := t.TempDir(), at(0)
	opt := Options{HeadSpans: 60, TraceIdle: time.Second, TapKeep: time.Second}
	s := still(t, dir, &now, opt)
	for minute := range 40 {
		now = at(time.Duration(minute) * time.Minute)
		add(t, s, requests(10*minute, 10*minute+10, "v1", func(int) time.Time { return now }))
		cutAll(t, s)
	}
	files, err := filepath.Glob(filepath.Join(dir, "blocks", "*.parquet"))
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	all := ask(t, s, pitwall.SpanQuery{}).Len()
	spoil := func(file string, at int64) int {
		b, err := block.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		n := b.Meta().Spans
		_ = b.Close()
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if at < 0 {
			at += int64(len(data))
		}
		copy(data[at:], bytes.Repeat([]byte{0xa5}, 200))
		if err := os.WriteFile(file, data, 0o640); err != nil {
			t.Fatal(err)
		}
		return n
	}
	_ = s.Close()
	lost := spoil(files[1], 100)
	s = still(t, dir, &now, opt)
	if got := ask(t, s, pitwall.SpanQuery{}).Len(); got != all-lost {
		t.Errorf("%d spans, want %d: all but the damaged block's", got, all-lost)
	}
	if m := s.Health()[0].Message; !strings.Contains(m, "set block 2 aside as damaged") {
		t.Errorf("health says %q", m)
	}
	_ = s.Close()
	lost += spoil(files[2], -300)
	s = still(t, dir, &now, opt)
	if m := s.Health()[0].Message; !strings.Contains(m, "set block 3 aside as damaged") {
		t.Errorf("health says %q", m)
	}
	if got := ask(t, s, pitwall.SpanQuery{}).Len(); got != all-lost {
		t.Errorf("%d spans, want %d", got, all-lost)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "blocks", "*.damaged")); len(left) != 2 {
		t.Errorf("set aside: %v", left)
	}
	add(t, s, requests(1000, 1100, "v1", func(int) time.Time { return now }))
	now = now.Add(time.Hour)
	cutAll(t, s)
	if got := ask(t, s, pitwall.SpanQuery{}).Len(); got != all-lost+300 {
		t.Errorf("%d spans after going on", got)
	}
}

func TestADamagedRollupIsSetAside(t *testing.T) {
	dir, now := t.TempDir(), at(0)
	s := still(t, dir, &now, Options{HeadSpans: 10})
	add(t, s, requests(0, 100, "v1", each(0)))
	now = now.Add(time.Hour)
	cutAll(t, s)
	_ = s.Close()
	files, err := filepath.Glob(filepath.Join(dir, "rollups", "*.rollup"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := 5; i < len(data)/2; i += 20 {
		data[i] ^= 1
	}
	if err := os.WriteFile(files[0], data, 0o640); err != nil {
		t.Fatal(err)
	}
	s = still(t, dir, &now, Options{HeadSpans: 10})
	if _, err := s.Operations(t.Context(), pitwall.OperationQuery{}); pitwall.KindOf(err) != pitwall.Unavailable || pitwall.HintOf(err) == "" {
		t.Errorf("asking a damaged file: %v", err)
	}
	s.tidy(t.Context())
	if got, err := s.Operations(t.Context(), pitwall.OperationQuery{}); err != nil || len(got) != 0 {
		t.Errorf("after it was set aside: %v, %v", got, err)
	}
	if h := s.Health()[0]; !h.Up || !strings.Contains(h.Message, "set aside: damaged") {
		t.Errorf("health %+v", h)
	}
	_ = s.Close() // the block knows what of the log it holds
	s = still(t, dir, &now, Options{HeadSpans: 10})
	if got := ask(t, s, pitwall.SpanQuery{}).Len(); got != 300 {
		t.Errorf("%d spans, want 300, each once", got)
	}
}

// TestMoreTracesThanALimitHolds: the set of traces halves itself.
func TestMoreTracesThanALimitHolds(t *testing.T) {
	set := newTraceSet(10)
	for n := range uint32(3 * fewTraces) {
		var id pitwall.TraceID
		binary.BigEndian.PutUint32(id[12:], n)
		set.add(id)
		set.add(id)
	}
	if len(set.ids) > fewTraces || len(set.ids) < fewTraces/4 || len(set.seen) != len(set.ids) {
		t.Errorf("%d traces held, %d seen", len(set.ids), len(set.seen))
	}
	if got := len(thin(set.ids, 10)); got != 10 {
		t.Error(fmt.Sprint(got, " traces, want 10"))
	}
}

// TestNothingIsForgottenBeforeItIsAddedUp: without blocks the oldest spans leave
// memory, but what the spans add up to is of all of them.
func TestNothingIsForgottenBeforeItIsAddedUp(t *testing.T) {
	s := open(t, t.TempDir(), Options{NoBlocks: true, MaxSpans: 300})
	for n := range 200 {
		add(t, s, requests(n*10, n*10+10, "v1", each(time.Millisecond)))
	}
	totals, err := s.Operations(t.Context(), pitwall.OperationQuery{})
	if err != nil {
		t.Fatal(err)
	}
	count := int64(0)
	for _, o := range totals {
		count += o.Count
	}
	kept := ask(t, s, pitwall.SpanQuery{}).Len()
	if count != 3*2000 || kept > 600 {
		t.Errorf("%d spans are counted of 6000, %d are kept of at most some 300", count, kept)
	}
}
