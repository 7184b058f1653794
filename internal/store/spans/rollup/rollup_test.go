package rollup

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
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pitwall/pitwall"
)

var update = flag.Bool("update", false, "write the golden files anew")

// epoch begins an hour.
var epoch = time.Unix(1_760_000_400, 0)

func at(d time.Duration) time.Time { return epoch.Add(d) }

// traffic makes n spans that end within a stretch of time, of a few operations.
func traffic(rng *rand.Rand, n int, from, to time.Duration) *pitwall.SpanBatch {
	b := &pitwall.SpanBatch{}
	for range n {
		d := time.Duration(rng.ExpFloat64() * 2e7)
		end := at(from + time.Duration(rng.Int64N(int64(to-from))))
		op := rng.IntN(12)
		b.Add(pitwall.SpanRow{
			TraceID: pitwall.TraceID{1}, SpanID: rng.Uint64(), Start: end.Add(-d), Duration: d,
			Service: pitwall.ServiceName(fmt.Sprint("service-", op%4)), Version: pitwall.Version(fmt.Sprint("v", op%2)),
			Operation: fmt.Sprint("op-", op), Kind: pitwall.SpanKind(rng.IntN(6)), Peer: fmt.Sprint("peer-", rng.IntN(3)),
			Failed: rng.IntN(10) == 0,
		})
	}
	return b
}

// timesOf makes self times for every second span.
func timesOf(b *pitwall.SpanBatch) Times {
	t := Times{Self: make([]int64, b.Len()), Critical: make([]int64, b.Len())}
	for i, d := range b.Duration {
		t.Self[i], t.Critical[i] = d/2, d/3
		if i%2 == 1 {
			t.Self[i], t.Critical[i] = -1, -1
		}
	}
	return t
}

// oracle adds up the slow way.
func oracle(batches []*pitwall.SpanBatch, times []Times, q pitwall.OperationQuery) []pitwall.OperationTotals {
	sums := map[Key]*pitwall.OperationTotals{}
	for k, b := range batches {
		for i := range b.Len() {
			r := b.Row(i)
			begin := r.Start.Add(r.Duration).Truncate(time.Minute)
			if !q.Period.IsZero() && !q.Period.Contains(begin) || q.Service != "" && q.Service != r.Service ||
				q.Version != "" && q.Version != r.Version || q.Operation != "" && q.Operation != r.Operation {
				continue
			}
			if r.Kind != pitwall.SpanClient && r.Kind != pitwall.SpanProducer {
				r.Peer = ""
			}
			key := Key{r.Service, r.Version, r.Operation, r.Kind, r.Peer}
			t := sums[key]
			if t == nil {
				t = &pitwall.OperationTotals{Service: r.Service, Version: r.Version, Operation: r.Operation, Kind: r.Kind, Peer: r.Peer}
				sums[key] = t
			}
			t.Count++
			t.Total += r.Duration
			if r.Failed {
				t.Failed++
			}
			if times[k].Self[i] >= 0 {
				t.Closed++
				t.Self += time.Duration(times[k].Self[i])
				t.Critical += time.Duration(times[k].Critical[i])
			}
			t.Latency.Add(pitwall.Bucket(r.Duration), 1)
		}
	}
	s := Sum{}
	for _, t := range sums {
		s.totals = append(s.totals, *t)
	}
	return s.Totals()
}

// sameTotals compares with histograms by what they count.
func sameTotals(t *testing.T, what string, want, got []pitwall.OperationTotals) {
	t.Helper()
	histogram := cmp.Transformer("buckets", func(h pitwall.Histogram) map[int]int64 {
		m := map[int]int64{}
		h.Buckets(func(b int, n int64) { m[b] = n })
		return m
	})
	if diff := cmp.Diff(want, got, histogram, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func open(t *testing.T, dir string, o Options) *Set {
	t.Helper()
	s, told, err := Open(dir, o)
	if err != nil || len(told) > 0 {
		t.Fatal(err, told)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func ask(t *testing.T, s *Set, q pitwall.OperationQuery) []pitwall.OperationTotals {
	t.Helper()
	v := s.View()
	defer v.Release()
	sum := NewSum(q)
	if err := v.Add(t.Context(), sum); err != nil {
		t.Fatal(err)
	}
	return sum.Totals()
}

func put(t *testing.T, s *Set, number uint64, b *pitwall.SpanBatch, l Limits) {
	t.Helper()
	f, err := s.Write(Cut{Number: number, Covers: []Cover{{number*10 - 9, number * 10, true}}, Arrival: 5, Table: Of(b, b.Len(), timesOf(b), l)})
	if err != nil {
		t.Fatal(err)
	}
	s.Add(f)
}

func tidy(t *testing.T, s *Set, now time.Time) {
	t.Helper()
	for range 1000 {
		did, err := s.Tidy(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		if !did {
			return
		}
	}
	t.Fatal("there is no end to tidying up")
}

func questions() []pitwall.OperationQuery {
	period := func(from, to time.Duration) pitwall.Period { return pitwall.Period{From: at(from), To: at(to)} }
	return []pitwall.OperationQuery{
		{},
		{Period: period(0, 24*time.Hour)},
		{Period: period(61*time.Minute, 179*time.Minute)},
		{Period: period(time.Hour, 2*time.Hour)},
		{Period: period(30*time.Second, 59*time.Minute+time.Second), Service: "service-1"},
		{Period: period(-time.Hour, 0)},
		{Operation: "op-3"}, {Version: "v1"}, {Service: "nobody"},
	}
}

func TestSumsAreThoseOfTheSpans(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	s := open(t, dir, Options{})
	var batches []*pitwall.SpanBatch
	var times []Times
	for n := range 150 { // three hours, late spans among them
		from := time.Duration(n) * time.Minute
		b := traffic(rng, 100+rng.IntN(300), max(0, from-20*time.Minute), from+time.Minute)
		batches, times = append(batches, b), append(times, timesOf(b))
		put(t, s, uint64(n+1), b, Limits{})
	}
	check := func(what string, s *Set) {
		t.Helper()
		for i, q := range questions() {
			sameTotals(t, fmt.Sprintf("%s, question %d", what, i), oracle(batches, times, q), ask(t, s, q))
		}
	}
	check("single cuts", s)
	before := s.Covers()
	tidy(t, s, at(3*time.Hour))
	check("merged", s)
	if _, files, _ := s.Kept(); files > 30 {
		t.Errorf("%d files after merging 150", files)
	}
	if diff := cmp.Diff([]Cover{{1, 1500, true}}, joinCovers(nil, s.Covers())); diff != "" || len(before) != 150 {
		t.Errorf("covers after merging (-want +got):\n%s", diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	check("opened again", s)
	if s.Last() != 150 {
		t.Errorf("the last cut is %d, want 150", s.Last())
	}
}

func TestMinutesBecomeHoursAndHoursGo(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	s := open(t, t.TempDir(), Options{Retention: 48 * time.Hour, Minutes: 2 * time.Hour})
	b := traffic(rng, 5000, 0, 10*time.Hour)
	put(t, s, 1, b, Limits{})
	tidy(t, s, at(20*time.Hour))
	odd := pitwall.OperationQuery{Period: pitwall.Period{From: at(61 * time.Minute), To: at(4*time.Hour + 10*time.Minute)}}
	whole := pitwall.OperationQuery{Period: pitwall.Period{From: at(2 * time.Hour), To: at(5 * time.Hour)}}
	want := oracle([]*pitwall.SpanBatch{b}, []Times{timesOf(b)}, whole)
	sameTotals(t, "hours that begin in the period", want, ask(t, s, odd))
	sameTotals(t, "whole hours", want, ask(t, s, whole))
	tidy(t, s, at(64*time.Hour)) // hours 0 to 9 are kept until 48 h and the slack are over
	if got := ask(t, s, pitwall.OperationQuery{}); len(got) != 0 {
		t.Errorf("%d sums outlived their time", len(got))
	}
	if since, files, bytes := s.Kept(); files != 0 || bytes != 0 || !since.IsZero() {
		t.Errorf("kept %d files, %d bytes since %v", files, bytes, since)
	}
}

func TestTooManyOperationsAreOther(t *testing.T) {
	b := &pitwall.SpanBatch{}
	add := func(service, op string, n int) {
		for range n {
			b.Add(pitwall.SpanRow{SpanID: 1, Start: at(0), Duration: time.Millisecond, Service: pitwall.ServiceName(service), Operation: op})
		}
	}
	for n := range 100 {
		add("shop", fmt.Sprint("GET /thing/", n), 1)
	}
	limits := Limits{PerMinute: 20}
	first := Of(b, b.Len(), timesOf(b), limits)
	if first.Folded != 80 || len(first.Rows) != 21 || len(first.Keys) != 21 {
		t.Errorf("%d folded, %d rows, %d keys; want 80, 21, 21", first.Folded, len(first.Rows), len(first.Keys))
	}
	b = &pitwall.SpanBatch{}
	for n := range 100 {
		add(fmt.Sprint("service-", n), "op", 1+n/50*5)
	}
	second := Of(b, b.Len(), timesOf(b), limits)
	all := merge([]*Table{first, second}, limits, false)
	count, others := int64(0), map[Key]int64{}
	for _, r := range all.Rows {
		count += r.Count
		if k := all.Keys[r.Key]; k.Operation == Other {
			others[k] += r.Count
		}
	}
	if count != 100+350 || len(all.Rows) > 23 {
		t.Errorf("%d spans in %d rows, want all 450 in few", count, len(all.Rows))
	}
	if others[Key{Service: "shop", Operation: Other}] == 0 || others[Key{Operation: Other}] == 0 {
		t.Errorf("others are %v, want one of the shop and one of everybody", others)
	}
}

func TestClocksThatAreFarOff(t *testing.T) {
	b := &pitwall.SpanBatch{}
	for _, end := range []time.Duration{-time.Hour, 0, time.Hour} {
		b.Add(pitwall.SpanRow{SpanID: 1, Start: at(end), Service: "a"})
	}
	b.Start = append(b.Start[:2], -1<<62)
	m := at(0).Unix() / 60
	got := Of(b, 3, Times{}, Limits{From: m - 1, To: m + 1})
	if got.Skewed != 2 || len(got.Rows) != 1 || got.Rows[0].Count != 1 || got.Rows[0].Closed != 0 {
		t.Errorf("%+v, want one row and two skewed", got)
	}
}

func TestAMergeThatWasCutShort(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	dir := t.TempDir()
	s := open(t, dir, Options{})
	for n := range 8 {
		put(t, s, uint64(n+1), traffic(rng, 50, 0, time.Minute), Limits{})
	}
	saved := map[string][]byte{}
	for _, f := range s.files {
		data, err := os.ReadFile(f.path)
		if err != nil {
			t.Fatal(err)
		}
		saved[f.path] = data
	}
	want := ask(t, s, pitwall.OperationQuery{})
	tidy(t, s, at(time.Hour))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for path, data := range saved { // as if the process had died before it deleted them
		if err := os.WriteFile(path, data, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "00000000000000000009-00000000000000000009.rollup.tmp"), []byte("half"), 0o640); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	sameTotals(t, "after the crash", want, ask(t, s, pitwall.OperationQuery{}))
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("files left: %v", left)
	}
}

func TestUnfinishedCuts(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	s := open(t, t.TempDir(), Options{})
	put(t, s, 1, traffic(rng, 50, 0, time.Minute), Limits{})
	put(t, s, 2, traffic(rng, 50, 0, time.Minute), Limits{})
	if cut, ok := s.Unsettled(); !ok || cut != 2 {
		t.Errorf("unsettled is %d, %v", cut, ok)
	}
	if err := s.Settle(t.Context(), at(0)); err != nil {
		t.Fatal(err)
	}
	if cut, ok := s.Unsettled(); ok {
		t.Errorf("cut %d is unsettled after settling", cut)
	}
	put(t, s, 3, traffic(rng, 50, 0, time.Minute), Limits{})
	if err := s.DiscardLast(); err != nil || s.Last() != 2 {
		t.Errorf("after discarding the last is %d, %v", s.Last(), err)
	}
}

func TestDamageIsToldAndSetAside(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	dir := t.TempDir()
	s := open(t, dir, Options{})
	put(t, s, 1, traffic(rng, 500, 0, 2*time.Hour), Limits{})
	good := s.files[0].path
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	want := ask(t, s, pitwall.OperationQuery{})
	_ = s.Close()
	for i := 0; i < len(data); i += 41 {
		wrong := slices.Clone(data)
		wrong[i] ^= 0x10
		if i%3 == 0 {
			wrong = data[:i]
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(good)), wrong, 0o640); err != nil {
			t.Fatal(err)
		}
		s, told, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(told) > 0 {
			_ = s.Close()
			continue // the footer tells
		}
		sum, v := NewSum(pitwall.OperationQuery{}), s.View()
		if err := v.Add(context.Background(), sum); err == nil {
			sameTotals(t, fmt.Sprint("byte ", i), want, sum.Totals())
		} else if did, tidied := s.Tidy(t.Context(), at(0)); !errors.Is(err, ErrDamaged) || !did || !errors.Is(tidied, ErrDamaged) || s.Last() != 0 {
			t.Errorf("byte %d: %v, then %v, %v", i, err, did, tidied)
		}
		v.Release()
		_ = s.Close()
	}
}

// TestAFileOfTheFirstVersion reads what an earlier release wrote of the same
// traffic.
func TestAFileOfTheFirstVersion(t *testing.T) {
	b := traffic(rand.New(rand.NewPCG(13, 14)), 60, 0, 90*time.Minute)
	name := "00000000000000000001-00000000000000000001.rollup"
	dir := t.TempDir()
	if *update {
		s := open(t, dir, Options{})
		put(t, s, 1, b, Limits{})
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("testdata", "v1.rollup"), data, 0o644); err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
	}
	data, err := os.ReadFile(filepath.Join("testdata", "v1.rollup"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o640); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, Options{})
	for i, q := range questions() {
		sameTotals(t, fmt.Sprint("question ", i), oracle([]*pitwall.SpanBatch{b}, []Times{timesOf(b)}, q), ask(t, s, q))
	}
	if diff := cmp.Diff([]Cover{{1, 10, true}}, s.Covers()); diff != "" {
		t.Error(diff)
	}
}

func FuzzFile(f *testing.F) {
	rng := rand.New(rand.NewPCG(11, 12))
	dir := f.TempDir()
	s, _, err := Open(dir, Options{})
	if err != nil {
		f.Fatal(err)
	}
	b := traffic(rng, 20, 0, time.Minute)
	file, err := s.Write(Cut{Number: 1, Covers: []Cover{{1, 2, true}}, Table: Of(b, b.Len(), timesOf(b), Limits{})})
	if err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(file.path)
	if err != nil {
		f.Fatal(err)
	}
	rows, err := readSection(file.r, file.size, file.hours[0].whole)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(rows)
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = readFooter(strings.NewReader(string(data)), int64(len(data)))
		_, _ = decodeFooter(data)
		_, _ = decodeKeys(data)
		n := 0
		_ = decodeRows(data, 0, 100, func(k uint32) bool { return k%2 == 0 }, func(Row) { n++ })
		if n > len(data) {
			t.Fatalf("%d rows out of %d bytes", n, len(data))
		}
	})
}

// BenchmarkOf adds up what a cut of 150,000 spans over 300 operations has.
func BenchmarkOf(b *testing.B) {
	batch := &pitwall.SpanBatch{}
	for i := range 150_000 {
		batch.Add(pitwall.SpanRow{
			SpanID: uint64(i), Start: at(time.Duration(i) * time.Millisecond), Duration: time.Duration(i%977) * time.Millisecond / 7,
			Service: pitwall.ServiceName(fmt.Sprint("service-", i%20)), Operation: fmt.Sprint("op-", i%300), Kind: pitwall.SpanServer,
		})
	}
	times := timesOf(batch)
	for b.Loop() {
		if t := Of(batch, batch.Len(), times, Limits{}); len(t.Keys) != 300 {
			b.Fatal(len(t.Keys))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch.Len()), "ns/span")
}

// BenchmarkDay asks for a day of 300 operations.
func BenchmarkDay(b *testing.B) {
	s, _, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	rng := rand.New(rand.NewPCG(1, 1))
	for m := range 24 * 60 {
		batch := &pitwall.SpanBatch{}
		for i := range 6000 {
			batch.Add(pitwall.SpanRow{
				SpanID: uint64(i), Start: at(time.Duration(m) * time.Minute), Duration: time.Duration(rng.ExpFloat64() * 2e7),
				Service: pitwall.ServiceName(fmt.Sprint("service-", i%20)), Operation: fmt.Sprint("op-", i%300), Kind: pitwall.SpanServer,
			})
		}
		if m%10 != 0 && m < 23*60 {
			continue // as if there were a cut each ten minutes, but the last hour is busy
		}
		f, err := s.Write(Cut{Number: uint64(m + 1), Table: Of(batch, batch.Len(), timesOf(batch), Limits{})})
		if err != nil {
			b.Fatal(err)
		}
		s.Add(f)
		if _, err := s.Tidy(b.Context(), at(time.Duration(m)*time.Minute)); err != nil {
			b.Fatal(err)
		}
	}
	_, files, bytes := s.Kept()
	q := pitwall.OperationQuery{Period: pitwall.Period{From: at(90 * time.Second), To: at(24*time.Hour - 30*time.Minute)}}
	for b.Loop() {
		v, sum := s.View(), NewSum(q)
		if err := v.Add(b.Context(), sum); err != nil {
			b.Fatal(err)
		}
		v.Release()
		if n := len(sum.Totals()); n != 300 {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(files), "files")
	b.ReportMetric(float64(bytes), "disk-B")
}
