package spans

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pitwall/pitwall"
)

// epoch is when the tests' spans begin.
var epoch = time.Unix(1_760_000_000, 0)

func at(d time.Duration) time.Time { return epoch.Add(d) }

func clock(d time.Duration) func() time.Time { return func() time.Time { return at(d) } }

// request makes a trace of a server span at edge and, inside it, a client and a
// server span of checkout, ending at the given time.
func request(b *pitwall.SpanBatch, n int, version string, end time.Time) {
	id := pitwall.TraceID{0: 1, 12: byte(n >> 24), 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}
	span := func(k uint64, parent uint64, service, op string, kind pitwall.SpanKind, d time.Duration) {
		b.Add(pitwall.SpanRow{
			TraceID: id, SpanID: uint64(n)*8 + k, ParentID: parent, Start: end.Add(-d), Duration: d,
			Service: pitwall.ServiceName(service), Version: pitwall.Version(version), Operation: op, Kind: kind,
			Failed: n%7 == 0, ReqBytes: -1, RespBytes: int64(n),
			Attrs: []pitwall.Attr{{Key: "http.route", Value: op}, {Key: "cart", Value: strconv.Itoa(n % 100)}},
		})
	}
	span(1, 0, "edge", "POST /checkout", pitwall.SpanServer, 30*time.Millisecond)
	span(2, uint64(n)*8+1, "edge", "checkout", pitwall.SpanClient, 25*time.Millisecond)
	span(3, uint64(n)*8+2, "checkout", "POST /checkout", pitwall.SpanServer, 20*time.Millisecond)
}

func requests(from, to int, version string, end func(n int) time.Time) *pitwall.SpanBatch {
	b := &pitwall.SpanBatch{}
	for n := from; n < to; n++ {
		request(b, n, version, end(n))
	}
	return b
}

func open(t testing.TB, dir string, opt Options) *Store {
	t.Helper()
	if opt.Now == nil {
		opt.Now = clock(0)
	}
	s, err := Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func add(t testing.TB, s *Store, b *pitwall.SpanBatch) {
	t.Helper()
	if err := s.AppendSpans(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func ask(t testing.TB, s *Store, q pitwall.SpanQuery) *pitwall.SpanBatch {
	t.Helper()
	b, err := s.Spans(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if err := check(b); err != nil {
		t.Fatalf("the answer is not sound: %v", err)
	}
	return b
}

func rows(b *pitwall.SpanBatch) []pitwall.SpanRow {
	out := make([]pitwall.SpanRow, b.Len())
	for i := range out {
		out[i] = b.Row(i)
	}
	return out
}

func each(step time.Duration) func(int) time.Time {
	return func(n int) time.Time { return at(time.Duration(n) * step) }
}

func TestAnswersAreWhatWasAppended(t *testing.T) {
	dir := t.TempDir()
	first, second := requests(0, 50, "v1", each(time.Second)), requests(50, 100, "v2", each(time.Second))
	s := open(t, dir, Options{NoBlocks: true, MaxSpans: 1600, SegmentBytes: 4000}) // chunks of 100 spans, several segments
	add(t, s, first)
	add(t, s, second)
	want := append(rows(first), rows(second)...)
	check := func(t *testing.T, s *Store) {
		if diff := cmp.Diff(want, rows(ask(t, s, pitwall.SpanQuery{}))); diff != "" {
			t.Errorf("everything (-want +got):\n%s", diff)
		}
		p := pitwall.Period{From: at(40 * time.Second), To: at(60 * time.Second)}
		inPeriod := slices.DeleteFunc(slices.Clone(want), func(r pitwall.SpanRow) bool {
			return r.Service != "checkout" || !p.Contains(r.Start.Add(r.Duration))
		})
		if len(inPeriod) != 20 {
			t.Fatalf("the test expects 20 spans, not %d", len(inPeriod))
		}
		got := rows(ask(t, s, pitwall.SpanQuery{Period: p, Service: "checkout", Operation: "POST /checkout"}))
		if diff := cmp.Diff(inPeriod, got); diff != "" {
			t.Errorf("one operation (-want +got):\n%s", diff)
		}
		if got := ask(t, s, pitwall.SpanQuery{Period: p, Service: "payment"}); got.Len() != 0 {
			t.Errorf("an unknown service has %d spans", got.Len())
		}
		if got := s.Requests("checkout", "", p); got != 20 {
			t.Errorf("requests of checkout %d, want 20", got)
		}
		if got := s.Requests("checkout", "v1", p); got != 10 {
			t.Errorf("requests of checkout v1 %d, want 10", got)
		}
		versions := []VersionSeen{{"v1", at(0), at(49 * time.Second)}, {"v2", at(50 * time.Second), at(99 * time.Second)}}
		if diff := cmp.Diff(versions, s.Versions("checkout")); diff != "" {
			t.Errorf("versions (-want +got):\n%s", diff)
		}
	}
	t.Run("at once", func(t *testing.T) { check(t, s) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("after opening again", func(t *testing.T) { check(t, open(t, dir, Options{NoBlocks: true, MaxSpans: 1600})) })
}

func TestWholeTracesReachOutsideThePeriod(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	b := &pitwall.SpanBatch{}
	id := pitwall.TraceID{15: 9}
	b.Add(pitwall.SpanRow{TraceID: id, SpanID: 1, Service: "edge", Operation: "GET /", Start: at(0), Duration: 10 * time.Second})
	b.Add(pitwall.SpanRow{TraceID: id, SpanID: 2, Service: "auth", Operation: "check", Start: at(0), Duration: time.Second})
	b.Add(pitwall.SpanRow{TraceID: pitwall.TraceID{15: 8}, SpanID: 3, Service: "auth", Operation: "check", Start: at(0), Duration: 5 * time.Second})
	add(t, s, b)
	q := pitwall.SpanQuery{Period: pitwall.Period{From: at(9 * time.Second), To: at(11 * time.Second)}, Service: "edge", WholeTraces: true}
	if got := ask(t, s, q); !slices.Equal(got.SpanID, []uint64{1, 2}) {
		t.Errorf("whole traces gave spans %v, want 1 and 2", got.SpanID)
	}
	q.WholeTraces = false
	if got := ask(t, s, q); !slices.Equal(got.SpanID, []uint64{1}) {
		t.Errorf("single spans gave %v, want 1", got.SpanID)
	}
	if got, err := s.Trace(t.Context(), id); err != nil || !slices.Equal(got.SpanID, []uint64{1, 2}) {
		t.Errorf("the trace has spans %v, %v", got, err)
	}
	if _, err := s.Trace(t.Context(), pitwall.TraceID{1}); pitwall.KindOf(err) != pitwall.NotFound || pitwall.HintOf(err) == "" {
		t.Errorf("an unknown trace: %v", err)
	}
}

func TestLimitKeepsTheWholePeriod(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	add(t, s, requests(0, 100, "v1", each(time.Second)))
	q := pitwall.SpanQuery{Service: "checkout", Limit: 10}
	got := ask(t, s, q)
	if got.Len() != 10 || got.RespBytes[0] != 0 || got.RespBytes[9] != 90 {
		t.Errorf("10 spans spread evenly: got %v", got.RespBytes)
	}
	q.WholeTraces = true
	if got := ask(t, s, q); got.Len() != 30 {
		t.Errorf("10 whole traces have %d spans, want 30", got.Len())
	}
}

func TestTapReplaysThenFollows(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{SegmentBytes: 1000})
	for n := range 5 {
		add(t, s, requests(n, n+1, "v1", each(time.Second)))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{SegmentBytes: 1000})
	type seen struct {
		Position uint64
		N        int64
	}
	var got []seen
	if err := s.Tap(2, func(p uint64, b *pitwall.SpanBatch) { got = append(got, seen{p, b.RespBytes[0]}) }); err != nil {
		t.Fatal(err)
	}
	add(t, s, requests(5, 6, "v1", each(time.Second)))
	if diff := cmp.Diff([]seen{{3, 2}, {4, 3}, {5, 4}, {6, 5}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s.Position() != 6 {
		t.Errorf("position %d, want 6", s.Position())
	}
	// A ledger that knows more than the log does: the log lost its end.
	ahead := []uint64{}
	if err := s.Tap(10, func(p uint64, _ *pitwall.SpanBatch) { ahead = append(ahead, p) }); err != nil {
		t.Fatal(err)
	}
	add(t, s, requests(6, 7, "v1", each(time.Second)))
	if !slices.Equal(ahead, []uint64{11}) {
		t.Errorf("positions after 10: %v, want 11", ahead)
	}
}

func segments(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+".spans"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestRetentionAndBounds(t *testing.T) {
	dir := t.TempDir()
	now := at(0)
	s := open(t, dir, Options{NoBlocks: true, MaxSpans: 320, SegmentBytes: 500, Retention: time.Minute, Now: func() time.Time { return now }})
	for n := range 200 { // 600 spans, 20 in a chunk
		add(t, s, requests(n, n+1, "v1", func(int) time.Time { return now }))
	}
	h := s.Health()[0]
	if got := ask(t, s, pitwall.SpanQuery{}).Len(); got > 320 || got <= 280 || !strings.Contains(h.Message, fmt.Sprintf("dropped %d spans", 600-got)) {
		t.Errorf("%d spans in memory, want at most 320; health: %s", got, h.Message)
	}
	if got := s.Requests("edge", "", pitwall.Period{From: now, To: now.Add(time.Second)}); got != 200 {
		t.Errorf("%d requests, want 200: counts do not depend on what memory holds", got)
	}
	before := len(segments(t, dir))
	now = now.Add(2 * time.Minute)
	s.upkeep()
	if got := ask(t, s, pitwall.SpanQuery{}).Len(); got != 0 {
		t.Errorf("%d spans outlived the retention", got)
	}
	if after := len(segments(t, dir)); before < 50 || after != 1 {
		t.Errorf("%d segments before, %d after the retention; want the one being written", before, after)
	}
	if got := s.Versions("edge"); len(got) != 0 {
		t.Errorf("versions outlived the retention: %v", got)
	}
}

func TestDiskBudget(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{SegmentBytes: 2000, WALBytes: 10_000})
	for n := range 200 {
		add(t, s, requests(n, n+1, "v1", each(time.Second)))
	}
	s.upkeep()
	total := int64(0)
	for _, f := range segments(t, dir) {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 10_000 || total < 7000 {
		t.Errorf("%d bytes on disk, want a little under 10000", total)
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	if _, err := Open(dir, Options{}); pitwall.KindOf(err) != pitwall.Conflict || pitwall.HintOf(err) == "" {
		t.Errorf("opening twice: %v", err)
	}
	bad := requests(0, 1, "v1", each(0))
	bad.Service[1] = 1000
	if err := s.AppendSpans(t.Context(), bad); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("a number beyond the dictionary: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.AppendSpans(gone, requests(0, 1, "v1", each(0))); pitwall.KindOf(err) != pitwall.Unavailable {
		t.Errorf("a cancelled context: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(file, "spans"), Options{}); pitwall.KindOf(err) != pitwall.Unavailable || !strings.Contains(err.Error(), file) {
		t.Errorf("a directory that cannot be made: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.AppendSpans(t.Context(), requests(0, 1, "v1", each(0))); pitwall.KindOf(err) != pitwall.Unavailable {
		t.Errorf("appending after Close: %v", err)
	}
}

func TestQuestionsWhileAppending(t *testing.T) {
	s := open(t, t.TempDir(), Options{MaxSpans: 3200})
	finished := make(chan error)
	go func() {
		for n := range 300 {
			if err := s.AppendSpans(context.Background(), requests(n, n+1, "v1", each(time.Second))); err != nil {
				finished <- err
				return
			}
		}
		finished <- nil
	}()
	for {
		select {
		case err := <-finished:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
			b := ask(t, s, pitwall.SpanQuery{Service: "checkout", WholeTraces: true})
			if b.Len()%3 != 0 {
				t.Fatalf("a trace was seen in part: %d spans", b.Len())
			}
			s.Requests("edge", "", pitwall.Period{From: at(0), To: at(time.Hour)})
			s.Health()
		}
	}
}

func FuzzDecodeBatch(f *testing.F) {
	f.Add(encodeBatch(nil, requests(0, 3, "v1", each(time.Second))))
	f.Add([]byte{payloadVersion})
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := decodeBatch(data)
		if err != nil {
			return
		}
		again, err := decodeBatch(encodeBatch(nil, b))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, again, cmpopts.IgnoreUnexported(pitwall.SpanBatch{}), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("decoding what was encoded (-first +second):\n%s", diff)
		}
	})
}
