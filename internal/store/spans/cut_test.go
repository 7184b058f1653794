package spans

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pitwall/pitwall"
)

// town makes batches of whole and broken traces of random shape, out of order,
// with span ids that are unique over all.
type town struct {
	rng  *rand.Rand
	next uint64
}

func newTown(seed uint64) *town { return &town{rng: rand.New(rand.NewPCG(seed, 1))} }

// traces makes n traces that begin at a time; their spans come in several
// batches, children sometimes before their parents.
func (w *town) traces(n int, begin time.Time) []*pitwall.SpanBatch {
	batches := []*pitwall.SpanBatch{{}, {}, {}}
	for range n {
		w.next++
		id := pitwall.TraceID{0: 3, 8: byte(w.next >> 16), 9: byte(w.next >> 8), 10: byte(w.next)}
		var parents []uint64
		for k := range 1 + w.rng.IntN(6) {
			w.next++
			r := pitwall.SpanRow{
				TraceID: id, SpanID: w.next, Start: begin.Add(time.Duration(k) * time.Millisecond),
				Duration: time.Duration(w.rng.IntN(50)) * time.Millisecond,
				Service:  pitwall.ServiceName(fmt.Sprint("service-", w.rng.IntN(4))), Version: pitwall.Version(fmt.Sprint("v", w.rng.IntN(2))),
				Operation: fmt.Sprint("op-", w.rng.IntN(5)), Kind: pitwall.SpanKind(w.rng.IntN(6)), Failed: w.rng.IntN(20) == 0,
				ReqBytes: -1, RespBytes: int64(w.rng.IntN(1000)) - 1,
			}
			if k > 0 && w.rng.IntN(10) > 0 {
				r.ParentID = parents[w.rng.IntN(len(parents))]
			}
			if w.rng.IntN(2) == 0 {
				r.Peer, r.Statement = "db", "SELECT 1"
			}
			for a := range w.rng.IntN(4) {
				r.Attrs = append(r.Attrs, pitwall.Attr{Key: fmt.Sprint("key.", a), Value: fmt.Sprint(w.rng.IntN(3))})
			}
			parents = append(parents, w.next)
			batches[w.rng.IntN(len(batches))].Add(r)
		}
	}
	return slices.DeleteFunc(batches, func(b *pitwall.SpanBatch) bool { return b.Len() == 0 })
}

// sorted gives the rows by span id; attributes in order of key.
func sorted(b *pitwall.SpanBatch) []pitwall.SpanRow {
	out := rows(b)
	slices.SortFunc(out, func(x, y pitwall.SpanRow) int { return cmp.Compare(x.SpanID, y.SpanID) })
	for i := range out {
		slices.SortStableFunc(out[i].Attrs, func(x, y pitwall.Attr) int { return cmp.Compare(x.Key, y.Key) })
	}
	return out
}

func same(t testing.TB, what string, want, got []pitwall.SpanRow) {
	t.Helper()
	if reflect.DeepEqual(want, got) { // much faster than finding out where not
		return
	}
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s: %d spans, want %d (-want +got):\n%.3000s", what, len(got), len(want), diff)
	}
}

// shapes are queries of every form over the time after epoch.
func shapes() []pitwall.SpanQuery {
	p := pitwall.Period{From: at(10 * time.Minute), To: at(20 * time.Minute)}
	return []pitwall.SpanQuery{
		{},
		{Period: p},
		{Period: p, Service: "service-1"},
		{Period: p, Service: "service-1", Operation: "op-2", Version: "v1"},
		{Operation: "op-3", Failed: true},
		{MinDuration: 40 * time.Millisecond},
		{Attrs: []pitwall.Attr{{Key: "key.0", Value: "1"}, {Key: "key.1", Value: "2"}}},
		{Period: p, Service: "service-2", Failed: true, WholeTraces: true},
		{Attrs: []pitwall.Attr{{Key: "key.2", Value: "0"}}, MinDuration: 45 * time.Millisecond, WholeTraces: true},
		{Service: "nobody"},
		{Service: "service-1", Attrs: []pitwall.Attr{{Key: "no", Value: "such"}}},
	}
}

// fill puts the same traffic of some twenty minutes into every store; the clock goes along.
func fill(t testing.TB, now *time.Time, stores ...*Store) {
	w := newTown(1)
	for minute := range 24 {
		*now = at(time.Duration(minute) * time.Minute)
		for _, b := range w.traces(40, *now) {
			for _, s := range stores {
				add(t, s, b)
			}
		}
		for _, s := range stores {
			cutAll(t, s)
		}
	}
}

func cutAll(t testing.TB, s *Store) {
	t.Helper()
	for s.cutOnce(t.Context()) {
		if s.health.cutting != "" {
			t.Fatal(s.health.cutting)
		}
	}
}

// twin opens a store that makes many small blocks, and one that makes none; both
// have the same traffic and one clock, which stands at the end of it.
func twin(t *testing.T, opt Options) (blocks, memory *Store, dir string, clock func() time.Time) {
	now := new(time.Time)
	*now = at(0)
	clock = func() time.Time { return *now }
	dir = t.TempDir()
	opt.Now = clock
	blocks = open(t, dir, opt)
	memory = open(t, t.TempDir(), Options{NoBlocks: true, MaxSpans: 1 << 20, Retention: 24 * time.Hour, Now: clock})
	// The goroutines of these stores read the clock too; nothing is due for them.
	blocks.end()
	memory.end()
	blocks.done.Wait()
	memory.done.Wait()
	fill(t, now, blocks, memory)
	return blocks, memory, dir, clock
}

func TestBlocksAnswerAsMemoryDoes(t *testing.T) {
	opt := Options{HeadSpans: 700, TraceIdle: 90 * time.Second}
	blocks, memory, dir, clock := twin(t, opt)
	if st := blocks.Stats(); st.Blocks < 5 || st.HeadSpans == 0 || st.BlockSpans+st.HeadSpans != memory.Stats().HeadSpans {
		t.Fatalf("the test wants spans in blocks and in memory: %+v", st)
	}
	check := func(t *testing.T, s *Store) {
		for i, q := range shapes() {
			same(t, fmt.Sprint("query ", i), sorted(ask(t, memory, q)), sorted(ask(t, s, q)))
			q.Limit = 7
			got := ask(t, s, q)
			want := ask(t, memory, q)
			if !q.WholeTraces && got.Len() != want.Len() || traces(got) != traces(want) && q.WholeTraces {
				t.Errorf("query %d with a limit: %d spans of %d traces, want %d of %d", i, got.Len(), traces(got), want.Len(), traces(want))
			}
			inAll(t, ask(t, memory, pitwall.SpanQuery{}), got)
		}
		all := ask(t, memory, pitwall.SpanQuery{})
		for i := 0; i < all.Len(); i += 97 {
			want, err := memory.Trace(t.Context(), all.TraceID[i])
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Trace(t.Context(), all.TraceID[i])
			if err != nil {
				t.Fatal(err)
			}
			same(t, "trace", sorted(want), sorted(got))
		}
		sameSums(t, memory, s)
	}
	t.Run("at once", func(t *testing.T) { check(t, blocks) })
	position := blocks.Position()
	if err := blocks.Close(); err != nil {
		t.Fatal(err)
	}
	opt.Now = clock
	again := open(t, dir, opt)
	t.Run("after opening again", func(t *testing.T) { check(t, again) })
	if again.Position() != position || again.Health()[0].Message != "" {
		t.Errorf("position %d, want %d; health %q", again.Position(), position, again.Health()[0].Message)
	}
}

func traces(b *pitwall.SpanBatch) int {
	ids := map[pitwall.TraceID]bool{}
	for _, id := range b.TraceID {
		ids[id] = true
	}
	return len(ids)
}

// inAll says that the spans are some of all, each once.
func inAll(t *testing.T, all, some *pitwall.SpanBatch) {
	t.Helper()
	left := map[uint64]int{}
	for _, id := range all.SpanID {
		left[id]++
	}
	for _, id := range some.SpanID {
		if left[id]--; left[id] < 0 {
			t.Fatalf("span %d comes too often", id)
		}
	}
}

// sums asks for what does not depend on when traces were closed.
func sums(t testing.TB, s *Store, q pitwall.OperationQuery) []pitwall.OperationTotals {
	t.Helper()
	totals, err := s.Operations(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	for i := range totals {
		totals[i].Self, totals[i].Critical, totals[i].Closed = 0, 0, 0
	}
	return totals
}

func sameSums(t testing.TB, want, got *Store) {
	t.Helper()
	histogram := gocmp.Transformer("buckets", func(h pitwall.Histogram) map[int]int64 {
		m := map[int]int64{}
		h.Buckets(func(b int, n int64) { m[b] = n })
		return m
	})
	for _, q := range []pitwall.OperationQuery{
		{}, {Period: pitwall.Period{From: at(5 * time.Minute), To: at(35 * time.Minute)}, Service: "service-3"}, {Operation: "op-1", Version: "v1"},
	} {
		w, g := sums(t, want, q), sums(t, got, q)
		if diff := gocmp.Diff(w, g, histogram); diff != "" || len(w) == 0 {
			t.Fatalf("sums of %d operations, want %d (-want +got):\n%.2000s", len(g), len(w), diff)
		}
	}
}

func TestAFailureAtEachStepLosesNothing(t *testing.T) {
	for _, step := range []string{"rollup", "block", "swap"} {
		t.Run(step, func(t *testing.T) {
			fail := false
			opt := Options{HeadSpans: 700, TraceIdle: 90 * time.Second, step: func(s string) error {
				if fail && s == step {
					return errors.New("no space left on device")
				}
				return nil
			}}
			blocks, memory, dir, clock := twin(t, opt)
			want := sorted(ask(t, memory, pitwall.SpanQuery{}))
			blocks.opt.HeadSpans = 1 // more is due
			fail = true
			if !blocks.cutOnce(t.Context()) {
				t.Fatal("nothing was due")
			}
			h := blocks.Health()[0]
			if h.Up || !strings.Contains(h.Message, "making a block: ") || !strings.Contains(h.Message, "no space left") {
				t.Errorf("health %+v", h)
			}
			same(t, "after the failure", want, sorted(ask(t, blocks, pitwall.SpanQuery{})))
			sameSums(t, memory, blocks)
			if tmp, _ := filepath.Glob(filepath.Join(dir, "*", "*.tmp")); len(tmp) > 0 {
				t.Errorf("left behind: %v", tmp)
			}
			copied := t.TempDir() // as a crash at this moment would leave it
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			opt.Now, opt.HeadSpans = clock, 5000
			crashed := open(t, copied, opt)
			same(t, "after a crash", want, sorted(ask(t, crashed, pitwall.SpanQuery{})))
			sameSums(t, memory, crashed)

			fail = false
			cutAll(t, blocks)
			if h := blocks.Health()[0]; !h.Up || h.Message != "" {
				t.Errorf("health when there is room again: %+v", h)
			}
			same(t, "after going on", want, sorted(ask(t, blocks, pitwall.SpanQuery{})))
			sameSums(t, memory, blocks)
		})
	}
}

func TestADiskThatRefusesBlocks(t *testing.T) {
	refuse := true
	now := at(0)
	s := open(t, t.TempDir(), Options{MaxSpans: 1600, HeadSpans: 400, Now: func() time.Time { return now }, step: func(string) error {
		if refuse {
			return errors.New("no space left on device")
		}
		return nil
	}})
	s.end()
	s.done.Wait()
	w := newTown(5)
	for range 100 {
		for _, b := range w.traces(20, now) {
			s.cutOnce(t.Context())
			add(t, s, b)
		}
	}
	st, h := s.Stats(), s.Health()[0]
	if st.HeadSpans > 1600 || st.HeadSpans < 1000 || st.Dropped == 0 || h.Up || !strings.Contains(h.Message, "before their time") {
		t.Errorf("%+v, health %+v; want at most 1600 spans in memory", st, h)
	}
	refuse = false
	cutAll(t, s)
	if h := s.Health()[0]; !h.Up || s.Stats().Blocks == 0 {
		t.Errorf("after there is room: %+v, %+v", h, s.Stats())
	}
	if got, want := ask(t, s, pitwall.SpanQuery{}).Len(), st.HeadSpans; got != want {
		t.Errorf("%d spans, want the %d that were left", got, want)
	}
}

func TestSendersWaitForASlowDisk(t *testing.T) {
	slow := make(chan struct{})
	s := open(t, t.TempDir(), Options{MaxSpans: 1200, HeadSpans: 300, Now: time.Now, step: func(name string) error {
		if name == "rollup" {
			<-slow
		}
		return nil
	}})
	w, all := newTown(6), 0
	finished := make(chan int)
	go func() {
		for range 40 {
			for _, b := range w.traces(20, time.Now()) {
				if err := s.AppendSpans(t.Context(), b); err != nil {
					t.Error(err)
				}
				all += b.Len()
			}
		}
		finished <- all
	}()
	for s.Stats().HeadSpans < 1200 {
		time.Sleep(time.Millisecond)
	}
	select {
	case <-finished:
		t.Fatal("senders did not wait")
	case <-time.After(50 * time.Millisecond):
	}
	if n := s.Stats().HeadSpans; n > 1300 {
		t.Errorf("%d spans in memory while senders wait", n)
	}
	close(slow)
	want := <-finished
	if got := ask(t, s, pitwall.SpanQuery{}).Len(); got != want || s.Stats().Dropped != 0 {
		t.Errorf("%d of %d spans, %d dropped", got, want, s.Stats().Dropped)
	}
}
