package profiles

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
)

// profiled is a window whose one stack costs so much.
func profiled(t testing.TB, ago time.Duration, instance string, typ pitwall.ProfileType, cost float64) pitwall.ProfileWindow {
	t.Helper()
	w := window(ago, "checkout", "v1", "")
	w.Type, w.Instance, w.Requests = typ, instance, 0
	data, err := prof.Encode(&prof.Profile{Type: typ, Quantum: 1, Stacks: []prof.Stack{{Frames: []string{"main.pay", "main.main"}, Value: cost}}}, w.Period)
	if err != nil {
		t.Fatal(err)
	}
	w.Data = data
	return w
}

// counter says how many requests a service served: ten a second.
type counter struct{}

func (counter) Requests(_ pitwall.ServiceName, _ pitwall.Version, p pitwall.Period) int64 {
	return int64(10 * p.Duration().Seconds())
}

func totalOf(t *testing.T, data []byte, typ pitwall.ProfileType) float64 {
	t.Helper()
	p, err := prof.Parse(data, typ)
	if err != nil {
		t.Fatal(err)
	}
	return p.Total()
}

func TestMerged(t *testing.T) {
	s := mustOpen(t, t.TempDir(), Options{Requests: counter{}})
	for i := range 40 { // more than one batch
		ago := time.Duration(1000-10*i) * time.Second
		mustAppend(t, s, profiled(t, ago, "i-1", pitwall.ProfileCPU, 2), profiled(t, ago, "i-2", pitwall.ProfileCPU, 1))
	}
	m, err := s.Merged(ctx, pitwall.ProfileQuery{Service: "checkout", Type: pitwall.ProfileCPU})
	if err != nil {
		t.Fatal(err)
	}
	if got := totalOf(t, m.Data, m.Type); math.Abs(got-120) > 1e-6 {
		t.Errorf("40 windows of 3 s of CPU are %v s", got)
	}
	// Two instances share 50 requests in five seconds.
	if m.Windows != 80 || m.Instances != 2 || m.Counted != 80 || m.Requests != 80*25 || m.Period.Duration() != 395*time.Second {
		t.Errorf("merged %d windows of %d instances over %v with %d requests in %d", m.Windows, m.Instances, m.Period.Duration(), m.Requests, m.Counted)
	}
	m, err = s.Merged(ctx, pitwall.ProfileQuery{Service: "nobody", Type: pitwall.ProfileCPU})
	if err != nil || m.Data != nil || m.Windows != 0 {
		t.Errorf("nobody's profile: %+v, %v", m, err)
	}
	if _, err := s.Merged(ctx, pitwall.ProfileQuery{Service: "checkout"}); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("without a type: %v", err)
	}
}

// TestMergedHeld: what is held is a mean over time and a sum over instances.
func TestMergedHeld(t *testing.T) {
	s := mustOpen(t, t.TempDir(), Options{})
	mustAppend(t, s,
		profiled(t, 40*time.Second, "i-1", pitwall.ProfileGoroutine, 10), profiled(t, 30*time.Second, "i-1", pitwall.ProfileGoroutine, 30),
		profiled(t, 30*time.Second, "i-2", pitwall.ProfileGoroutine, 5))
	m, err := s.Merged(ctx, pitwall.ProfileQuery{Service: "checkout", Type: pitwall.ProfileGoroutine})
	if err != nil {
		t.Fatal(err)
	}
	if got := totalOf(t, m.Data, m.Type); got != 25 || m.Windows != 3 {
		t.Errorf("%v goroutines of %d windows, want (10+30)/2 + 5", got, m.Windows)
	}
}

func TestMergedTellsOfAWrongProfile(t *testing.T) {
	s := mustOpen(t, t.TempDir(), Options{})
	mustAppend(t, s, profiled(t, 40*time.Second, "i-1", pitwall.ProfileCPU, 10), window(20*time.Second, "checkout", "v1", "no pprof"))
	if _, err := s.Merged(ctx, pitwall.ProfileQuery{Service: "checkout", Type: pitwall.ProfileCPU}); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("merging what is no profile: %v", err)
	}
}

func TestAnswersAreThinnedEvenly(t *testing.T) {
	s := mustOpen(t, t.TempDir(), Options{MaxWindows: 20, Requests: counter{}})
	for i := range 200 { // two instances take turns
		mustAppend(t, s, profiled(t, time.Duration(2000-10*i)*time.Second, fmt.Sprint("i-", i%2), pitwall.ProfileCPU, 1))
	}
	ws, err := s.Profiles(ctx, pitwall.ProfileQuery{Service: "checkout"})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for i, w := range ws {
		seen[w.Instance]++
		if w.Requests != 50 {
			t.Errorf("%d requests in five seconds of the only instance at the time", w.Requests)
		}
		if i > 0 && w.Period.From.Before(ws[i-1].Period.From) {
			t.Error("not oldest first")
		}
	}
	if len(ws) != 20 || seen["i-0"] != 10 || seen["i-1"] != 10 {
		t.Errorf("%d windows by instance %v, want ten of each", len(ws), seen)
	}
	if first, last := ws[0].Period.From, ws[19].Period.From; last.Sub(first) < 1700*time.Second {
		t.Errorf("windows from %v to %v do not span the time", first, last)
	}
	if kept := thin([]entry{{Bytes: 60}, {Bytes: 60}, {Bytes: 60}, {Bytes: 60}}, 10, 130); len(kept) != 2 {
		t.Errorf("%d windows of 60 bytes within 130", len(kept))
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// memoryOf is what a profile takes when it is parsed.
func memoryOf(t *testing.T, data []byte) int64 {
	t.Helper()
	before := heap()
	p, err := profile.ParseData(data)
	if err != nil {
		t.Fatal(err)
	}
	after := heap()
	runtime.KeepAlive(p)
	return int64(after) - int64(before)
}

// TestMergingADayTakesLittleMemory holds the heap of many large windows against
// what they take one by one.
func TestMergingADayTakesLittleMemory(t *testing.T) {
	s := mustOpen(t, t.TempDir(), Options{})
	stacks := make([]prof.Stack, 2000)
	for i := range stacks {
		stacks[i] = prof.Stack{Frames: []string{fmt.Sprint("main.f", i), "main.main"}, Value: 1}
	}
	const windows = 96
	data, err := prof.Encode(&prof.Profile{Type: pitwall.ProfileCPU, Quantum: 1, Stacks: stacks}, window(0, "", "", "").Period)
	if err != nil {
		t.Fatal(err)
	}
	for i := range windows {
		mustAppend(t, s, window(time.Duration(i+1)*10*time.Second, "checkout", "v1", string(data)))
	}
	before, most, n := heap(), uint64(0), 0
	found, err := s.find(pitwall.ProfileQuery{})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = prof.MergeData(pitwall.ProfileCPU, s.each(ctx, found, func(pitwall.ProfileWindow, []entry, entry) {
		if n++; n%16 == 15 {
			most = max(most, heap())
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	used := int64(most) - int64(before)
	t.Logf("%.1f MB in use at most while merging %d windows", float64(used)/(1<<20), windows)
	one := memoryOf(t, data)
	if used > 24*one {
		t.Errorf("%d bytes in use while merging %d windows of %d each", used, windows, one)
	}
}

func TestStoredOnce(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, Options{})
	w := window(30*time.Second, "checkout", "v1", "a")
	f := func(s *Store, want bool) {
		t.Helper()
		if added, err := s.AddProfile(ctx, w); err != nil || added != want {
			t.Errorf("added is %v, %v", added, err)
		}
	}
	f(s, true)
	f(s, false)
	if h := s.Health()[0]; h.Accepted != 1 || h.Duplicates != 1 {
		t.Errorf("health %+v", h)
	}
	_ = s.Close()
	s = mustOpen(t, dir, Options{})
	f(s, false) // known after a restart, too
	if got := contents(t, s, pitwall.ProfileQuery{}); got != "a" {
		t.Errorf("stored %q", got)
	}
}

func TestDamagedFilesAreLeftOut(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, Options{})
	mustAppend(t, s, window(30*time.Second, "checkout", "v1", "aaa"), window(20*time.Second, "checkout", "v1", "bbb"))
	files, _ := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err := os.WriteFile(files[0], []byte("aXa"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, s, pitwall.ProfileQuery{}); got != "bbb" {
		t.Errorf("read %q, want the whole one", got)
	}
	if h := s.Health()[0]; !strings.Contains(h.Message, "damaged") {
		t.Errorf("health %+v does not tell", h)
	}
}

// TestNoTypeEvictsAnother fills the store with heap profiles; the few CPU windows
// stay.
func TestNoTypeEvictsAnother(t *testing.T) {
	s := mustOpen(t, t.TempDir(), Options{MaxBytes: 1000})
	for i := range 4 {
		mustAppend(t, s, window(time.Duration(1000-i)*time.Second, "checkout", "v1", fmt.Sprintf("cpu-%096d", i)))
	}
	for i := range 50 {
		w := window(time.Duration(500-i)*time.Second, "checkout", "v1", fmt.Sprintf("heap%096d", i))
		w.Type = pitwall.ProfileHeap
		mustAppend(t, s, w)
	}
	count := func(typ pitwall.ProfileType) int {
		return len(strings.Fields(contents(t, s, pitwall.ProfileQuery{Type: typ})))
	}
	if cpu, heap := count(pitwall.ProfileCPU), count(pitwall.ProfileHeap); cpu != 4 || heap != 6 {
		t.Errorf("%d CPU and %d heap windows kept, want the 4 that there are and 6", cpu, heap)
	}
	for i := range 50 { // now CPU grows to its half, and no further
		mustAppend(t, s, window(time.Duration(300-i)*time.Second, "checkout", "v1", fmt.Sprintf("new-%096d", i)))
	}
	if cpu, heap := count(pitwall.ProfileCPU), count(pitwall.ProfileHeap); cpu+heap != 10 || cpu < 5 || heap < 4 {
		t.Errorf("%d CPU and %d heap windows kept, want about half each", cpu, heap)
	}
	if v := s.Volume(); v.Bytes > 1000 || v.Bytes < 900 || v.PerSecond == 0 || v.Since.IsZero() || v.Budget != 1000 {
		t.Errorf("volume %+v", v)
	}
}

func BenchmarkMerged(b *testing.B) {
	files, _ := filepath.Glob(filepath.Join("..", "..", "prof", "testdata", "w*.pb.gz"))
	s, err := Open(b.TempDir(), Options{Now: func() time.Time { return start }})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 60 {
		data, err := os.ReadFile(files[i%len(files)])
		if err != nil {
			b.Fatal(err)
		}
		w := window(time.Duration(i+1)*time.Minute, "checkout", "v1", string(data))
		if err := s.AppendProfile(ctx, w); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if m, err := s.Merged(ctx, pitwall.ProfileQuery{Service: "checkout", Type: pitwall.ProfileCPU}); err != nil || m.Windows != 60 {
			b.Fatal(m.Windows, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/60, "µs/window")
}
