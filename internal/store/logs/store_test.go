package logs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/storetest"
)

// epoch is when the tests' records begin; it is a whole minute.
var epoch = time.Unix(1_760_000_040, 0).UTC()

func at(d time.Duration) time.Time { return epoch.Add(d) }

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func open(t testing.TB, dir string, opt Options) *Store {
	t.Helper()
	if opt.Now == nil {
		opt.Now = (&clock{now: epoch}).Now
	}
	s, err := Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

func shut(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// records are n lines from a number on, a second apart, each with a trace.
func records(from, n int) []pitwall.LogRecord {
	out := make([]pitwall.LogRecord, n)
	for i := range out {
		k := from + i
		out[i] = pitwall.LogRecord{
			At: at(time.Duration(k) * time.Second), Service: "checkout", Version: "v41", Severity: pitwall.SeverityInfo,
			Text: fmt.Sprintf("order %d took %d ms", k, k%97), Trace: traceOf(k), Span: uint64(k) + 1,
			Attrs: []pitwall.Attr{{Key: "http.route", Value: "/checkout"}, {Key: "cart", Value: fmt.Sprint(k % 100)}},
		}
	}
	return out
}

func traceOf(k int) pitwall.TraceID {
	return pitwall.TraceID{0: 1, 12: byte(k >> 24), 13: byte(k >> 16), 14: byte(k >> 8), 15: byte(k)}
}

func add(t testing.TB, s *Store, records ...pitwall.LogRecord) {
	t.Helper()
	if err := s.AppendLogs(t.Context(), &pitwall.LogBatch{Records: records}); err != nil {
		t.Fatal(err)
	}
}

func ask(t testing.TB, s *Store, q pitwall.LogQuery) []pitwall.LogRecord {
	t.Helper()
	got, err := s.Logs(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func patterns(t testing.TB, s *Store, q pitwall.LogQuery) []pitwall.LogPattern {
	t.Helper()
	got, err := s.LogPatterns(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// sealed turns all of the head into blocks that are full.
func sealed(t testing.TB, s *Store) {
	t.Helper()
	if err := s.seal(1); err != nil {
		t.Fatal(err)
	}
}

func files(t testing.TB, dir, extension string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+extension))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// restless seals after each batch, and may open the directory anew before each
// question.
type restless struct {
	*Store
	t      *testing.T
	dir    string
	reopen bool
	batch  int
}

func (r *restless) AppendLogs(ctx context.Context, b *pitwall.LogBatch) error {
	err := r.Store.AppendLogs(ctx, b)
	if r.batch++; err == nil && r.batch%2 == 1 {
		sealed(r.t, r.Store)
	}
	return err
}

func (r *restless) Logs(ctx context.Context, q pitwall.LogQuery) ([]pitwall.LogRecord, error) {
	if r.reopen {
		r.reopen = false
		shut(r.t, r.Store)
		r.Store = open(r.t, r.dir, Options{Now: storeClock})
	}
	return r.Store.Logs(ctx, q)
}

// storeClock is that of the conformance suite.
func storeClock() time.Time { return time.Date(2026, 3, 1, 12, 0, 10, 0, time.UTC) }

func TestConformance(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		storetest.RunLogs(t, func(t *testing.T) storetest.LogStore { return open(t, t.TempDir(), Options{Now: storeClock}) })
	})
	for _, reopen := range []bool{false, true} {
		t.Run(fmt.Sprintf("blocks and memory, opened again %v", reopen), func(t *testing.T) {
			storetest.RunLogs(t, func(t *testing.T) storetest.LogStore {
				dir := t.TempDir()
				return &restless{Store: open(t, dir, Options{Now: storeClock, MemoryBytes: 1 << 20}), t: t, dir: dir, reopen: reopen}
			})
		})
	}
	t.Run("next to no memory", func(t *testing.T) {
		storetest.RunLogs(t, func(t *testing.T) storetest.LogStore {
			return open(t, t.TempDir(), Options{Now: storeClock, MemoryBytes: 1})
		})
	})
}

// TestAnswersSurviveOpening: the same answers from memory, from blocks, and
// after opening again.
func TestAnswersSurviveOpening(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{MemoryBytes: 200_000})
	for n := range 20 {
		add(t, s, records(n*100, 100)...)
		if n == 12 {
			sealed(t, s)
		}
	}
	q := pitwall.LogQuery{Limit: 10_000}
	want, wantPatterns := ask(t, s, q), patterns(t, s, q)
	if len(want) != 2000 || want[0].Text != "order 1999 took 59 ms" || len(wantPatterns) != 1 || wantPatterns[0].Count != 2000 {
		t.Fatalf("%d records, patterns %+v", len(want), wantPatterns)
	}
	shut(t, s)
	s = open(t, dir, Options{})
	if diff := cmp.Diff(want, ask(t, s, q)); diff != "" {
		t.Errorf("opened again (-want +got):\n%s", diff)
	}
	sealed(t, s)
	if diff := cmp.Diff(want, ask(t, s, q)); diff != "" {
		t.Errorf("all in blocks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantPatterns, patterns(t, s, q), cmpopts.IgnoreFields(pitwall.LogPattern{}, "Example")); diff != "" {
		t.Errorf("patterns in blocks (-want +got):\n%s", diff)
	}
	for _, k := range []int{0, 1, 700, 1299, 1300, 1999} {
		if got := ask(t, s, pitwall.LogQuery{Trace: traceOf(k)}); len(got) != 1 || got[0].Span != uint64(k)+1 {
			t.Errorf("trace %d has %+v", k, got)
		}
	}
	if h := s.Health()[0]; !h.Up || h.Message != "" {
		t.Errorf("health: %+v", h)
	}
}

func TestDeliveriesAreKnownAfterARestart(t *testing.T) {
	dir := t.TempDir()
	c := &clock{now: epoch}
	send := func(s *Store, number uint64) {
		t.Helper()
		if err := s.AppendLogs(t.Context(), &pitwall.LogBatch{Delivery: number, Records: records(int(number), 1)}); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, dir, Options{Now: c.Now})
	send(s, 1)
	sealed(t, s) // delivery 1 is in a block, 2 in the log
	send(s, 2)
	shut(t, s)
	c.move(9 * time.Minute)
	s = open(t, dir, Options{Now: c.Now})
	send(s, 1)
	send(s, 2)
	send(s, 3)
	if got, h := len(ask(t, s, pitwall.LogQuery{})), s.Health()[0]; got != 3 || h.Duplicates != 2 || h.Accepted != 1 {
		t.Errorf("%d records, health %+v; want 3 records, 2 duplicates", got, h)
	}
	c.move(2 * time.Minute)
	send(s, 1) // eleven minutes later nobody sends again
	if got := len(ask(t, s, pitwall.LogQuery{})); got != 4 {
		t.Errorf("%d records, want 4: the number is free again", got)
	}
	c.move(20 * time.Minute)
	s.upkeep()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if n := len(s.seen.at) + len(s.seen.queue); n != 0 {
		t.Errorf("%d deliveries are remembered for ever", n)
	}
}

func TestArrivalDecidesRetention(t *testing.T) {
	dir := t.TempDir()
	c := &clock{now: epoch}
	s := open(t, dir, Options{Retention: time.Hour, Now: c.Now})
	old := records(0, 1)
	old[0].At = at(-48 * time.Hour)
	add(t, s, old...)
	sealed(t, s)
	c.move(30 * time.Minute)
	future := records(1, 1)
	future[0].At = at(100 * 24 * time.Hour)
	add(t, s, future...)
	f := func(want, blocks int) {
		t.Helper()
		s.upkeep()
		if got := len(ask(t, s, pitwall.LogQuery{})); got != want || len(files(t, dir, extension)) != blocks {
			t.Errorf("%d records in %v, want %d in %d blocks", got, files(t, dir, extension), want, blocks)
		}
	}
	f(2, 1)
	if h := s.Health()[0]; h.Up != true || !strings.Contains(h.Message, "2 records have a time more than a day") {
		t.Errorf("health does not tell of wrong clocks: %+v", h)
	}
	c.move(31 * time.Minute)
	f(1, 0)
	c.move(30 * time.Minute)
	f(0, 0)
	if h := s.Health()[0]; strings.Contains(h.Message, "before their time") {
		t.Errorf("health: %s", h.Message)
	}
	shut(t, s)
	if s = open(t, dir, Options{Retention: time.Hour, Now: c.Now}); len(ask(t, s, pitwall.LogQuery{})) != 0 {
		t.Error("records came back by opening again")
	}
}

func TestDiskBudget(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{DiskBytes: 100_000, MemoryBytes: 20_000})
	for n := range 100 {
		add(t, s, records(n*100, 100)...)
		if err := s.seal(s.opt.MemoryBytes); err != nil {
			t.Fatal(err)
		}
	}
	s.upkeep()
	total := s.log.Bytes()
	for _, f := range files(t, dir, extension) {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if n := len(s.view().blocks); total > 100_000+s.log.Bytes() || n == 100 {
		t.Errorf("%d bytes in %d blocks and the log, want at most 100000", total, n)
	}
	if m := s.Health()[0].Message; !strings.Contains(m, "records before their time") {
		t.Errorf("health does not tell of dropped records: %q", m)
	}
}

// TestMemoryIsBounded: a sender that makes every line a service and a pattern of
// its own costs disk, not memory.
func TestMemoryIsBounded(t *testing.T) {
	s := open(t, t.TempDir(), Options{MemoryBytes: 300_000})
	for n := range 50 {
		hostile := records(n*100, 100)
		for i := range hostile {
			name := strings.Map(func(r rune) rune { return 'a' + r - '0' }, fmt.Sprintf("%06d", n*100+i))
			hostile[i].Service, hostile[i].Text = pitwall.ServiceName(name), "pattern "+name
		}
		add(t, s, hostile...)
		s.mu.RLock()
		size := s.head.bytes()
		s.mu.RUnlock()
		if size > 2*300_000+200_000 {
			t.Fatalf("%d bytes in memory after %d batches", size, n)
		}
	}
	if got := patterns(t, s, pitwall.LogQuery{Limit: 10_000}); len(got) != 5000 {
		t.Errorf("%d patterns, want 5000", len(got))
	}
	if got := ask(t, s, pitwall.LogQuery{Service: "aabcde"}); len(got) != 1 {
		t.Errorf("one of five thousand services has %d records", len(got))
	}
}

// TestMemoryIsWhatItSays holds the head's own count of bytes against the heap.
func TestMemoryIsWhatItSays(t *testing.T) {
	heap := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	s := open(t, t.TempDir(), Options{})
	batches := traffic(40_000, 500, time.Minute)
	before := heap()
	for _, b := range batches {
		if err := s.AppendLogs(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	used, said := heap()-before, s.head.bytes()
	t.Logf("%d bytes used, %d said, %d a record", used, said, used/40_000)
	if used > said*5/4 || used < said/2 {
		t.Errorf("the head uses %d bytes and says %d", used, said)
	}
	runtime.KeepAlive(batches)
}

func TestTooManyPatternsAreCountedAsOne(t *testing.T) {
	tallies := &tallies{of: map[seriesKey]*tally{}}
	for i := range uint64(maxPatterns + 10) {
		s := series{seriesKey: seriesKey{pattern: i}}
		tallies.at(&s, func() string { return "" }).add(0, 1, int64(i), int64(i))
	}
	if e := tallies.everything; len(tallies.of) != maxPatterns || e == nil || e.count != 10 || e.template != "<*>" {
		t.Errorf("%d patterns, the rest %+v", len(tallies.of), e)
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	if _, err := Open(dir, Options{}); pitwall.KindOf(err) != pitwall.Conflict || pitwall.HintOf(err) == "" {
		t.Errorf("opening twice: %v", err)
	}
	big := records(0, 2)
	big[0].Text = strings.Repeat("x", maxBatch)
	if err := s.AppendLogs(t.Context(), &pitwall.LogBatch{Records: big}); pitwall.KindOf(err) != pitwall.Invalid || pitwall.HintOf(err) == "" {
		t.Errorf("a batch that is too large: %v", err)
	}
	if h := s.Health()[0]; h.Rejected != 2 || !h.Up || h.Name != "store/logs" || h.Signal != pitwall.SignalLogs || h.Blind == "" {
		t.Errorf("health: %+v", h)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(file, "logs"), Options{}); pitwall.KindOf(err) != pitwall.Unavailable || !strings.Contains(err.Error(), file) {
		t.Errorf("a directory that cannot be made: %v", err)
	}
	if err := s.AppendLogs(t.Context(), nil); err != nil {
		t.Errorf("no batch: %v", err)
	}
	shut(t, s)
	if err := s.AppendLogs(t.Context(), &pitwall.LogBatch{Records: records(0, 1)}); pitwall.KindOf(err) != pitwall.Unavailable {
		t.Errorf("appending after Close: %v", err)
	}
}

func TestTimesOutsideTheCalendarAreArrivals(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	r := records(0, 4)
	r[0].At, r[1].At = time.Time{}, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	r[2].At, r[3].At = time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC)
	add(t, s, r...)
	got := ask(t, s, pitwall.LogQuery{})
	if len(got) != 4 || !got[2].At.Equal(epoch) || !got[3].At.Equal(r[3].At) {
		t.Errorf("times: %v", got)
	}
}

func TestLagIsTheMedianOfLate(t *testing.T) {
	c := &clock{now: at(10 * time.Second)}
	s := open(t, t.TempDir(), Options{Now: c.Now})
	for _, late := range []time.Duration{2 * time.Second, 3 * time.Second, 400 * 24 * time.Hour, -time.Second, 9 * time.Second} {
		r := records(0, 1)
		r[0].At = c.Now().Add(-late)
		add(t, s, r...)
	}
	if got := s.Health()[0]; got.Lag != 3 || !got.LastSeen.Equal(c.Now()) {
		t.Errorf("lag %v s, last seen %v", got.Lag, got.LastSeen)
	}
}

func TestDispersionOfBursts(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for m := range 60 {
		steady := records(m*60, 20)
		for i := range steady {
			steady[i].Text = fmt.Sprint("steady ", i)
		}
		add(t, s, steady...)
		if m%10 == 3 {
			burst := records(m*60, 50)
			for i := range burst {
				burst[i].Text = fmt.Sprint("burst ", i)
			}
			add(t, s, burst...)
		}
		if m == 30 {
			sealed(t, s)
		}
	}
	phi, err := s.PatternDispersion(t.Context(), pitwall.LogQuery{Period: pitwall.Period{From: at(0), To: at(time.Hour)}})
	if err != nil || len(phi) != 2 {
		t.Fatalf("%v, %v", phi, err)
	}
	for _, p := range patterns(t, s, pitwall.LogQuery{}) {
		if got := phi[p.ID]; p.Template == "steady <*>" && got != 1 || p.Template == "burst <*>" && (got < 40 || got > 50) {
			t.Errorf("%s has dispersion %v", p.Template, got)
		}
	}
}

func TestQuestionsWhileAppending(t *testing.T) {
	s := open(t, t.TempDir(), Options{MemoryBytes: 30_000})
	finished := make(chan error)
	const batches = 60
	go func() {
		for n := range batches {
			if err := s.AppendLogs(context.Background(), &pitwall.LogBatch{Records: records(n*20, 20)}); err != nil {
				finished <- err
				return
			}
		}
		finished <- nil
	}()
	for last := 0; ; {
		got := ask(t, s, pitwall.LogQuery{Limit: 10_000})
		if len(got)%20 != 0 || len(got) < last {
			t.Fatalf("%d records, before there were %d: a batch was seen in part, or lost", len(got), last)
		}
		last = len(got)
		if p := patterns(t, s, pitwall.LogQuery{}); len(p) > 0 && (len(p) != 1 || p[0].Count < int64(last)) {
			t.Fatalf("%d records, then patterns %+v", last, p)
		}
		s.Health()
		select {
		case err := <-finished:
			if err != nil {
				t.Fatal(err)
			}
			if got := ask(t, s, pitwall.LogQuery{Limit: 10_000}); len(got) != batches*20 || len(s.view().blocks) == 0 {
				t.Errorf("%d records in the end, %d blocks", len(got), len(s.view().blocks))
			}
			return
		default:
		}
	}
}

// TestAnswersAreBounded: a limit bounds records, and very large ones are fewer.
func TestAnswersAreBounded(t *testing.T) {
	n := newestOf(100)
	c := ofRecords([]pitwall.LogRecord{{Text: strings.Repeat("x", maxAnswer/4)}}, 0)
	for i := range 10 {
		c.at[0] = int64(i)
		n.offer(c, 0, uint64(i))
	}
	if got := len(n.records()); got != 3 {
		t.Errorf("%d records of a quarter of what an answer may hold", got)
	}
	if n.hits[0].at != 9 || n.takes(1) {
		t.Errorf("the newest is %d", n.hits[0].at)
	}
}
