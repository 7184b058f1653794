package prof

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/pitwall/pitwall"
)

func TestFamilyOf(t *testing.T) {
	f := func(leafFirst string, want Family) {
		t.Helper()
		if got := FamilyOf(strings.Fields(leafFirst)); got != want {
			t.Errorf("%s: %s, want %s", leafFirst, got, want)
		}
	}
	// The runtime's leaf families claim their work from everybody.
	f("runtime.nextFreeFast runtime.mallocgc runtime.newobject encoding/json.(*decodeState).object main.handle", FamilyAllocation)
	f("runtime.memmove runtime.growslice bytes.(*Buffer).grow main.handle", FamilyAllocation)
	f("runtime.scanobject runtime.gcDrainN runtime.gcAssistAlloc1 runtime.systemstack runtime.mallocgc main.handle", FamilyGC)
	f("runtime.futex runtime.futexsleep runtime.lock2 runtime.gcDrain runtime.systemstack runtime.gcBgMarkWorker", FamilyGC)
	f("runtime.futex runtime.futexsleep runtime.lock2 runtime.(*mcentral).cacheSpan main.handle", FamilyLock)
	f("runtime.procyield sync.(*Mutex).lockSlow sync.(*Mutex).Lock main.handle", FamilyLock)
	f("runtime.futex runtime.futexsleep runtime.notesleep runtime.stopm runtime.findRunnable runtime.schedule", FamilyScheduler)
	f("internal/runtime/syscall.Syscall6 internal/runtime/syscall.EpollWait runtime.netpoll runtime.findRunnable", FamilyScheduler)
	f("internal/runtime/syscall.Syscall6 syscall.RawSyscall6 syscall.write internal/poll.(*FD).Write net.(*conn).Write net/http.persistConnWriter.Write", FamilySyscall)
	// What claims nothing works for its caller.
	f("runtime.memmove encoding/json.(*encodeState).string main.handle", FamilySerialisation)
	f("reflect.Value.Field encoding/json.structEncoder.encode encoding/json.Marshal main.handle", FamilySerialisation)
	f("strconv.AppendFloat encoding/json.floatEncoder.encode main.handle", FamilySerialisation)
	f("strconv.AppendFloat main.handle", FamilyUser)
	f("runtime.mapaccess1_faststr main.handle", FamilyUser)
	f("runtime.asyncPreempt main.handle", FamilyUser)
	// A user's own code called by a library is the user's.
	f("shop/cart.(*Item).MarshalJSON encoding/json.marshalerEncoder encoding/json.Marshal main.handle", FamilyUser)
	f("github.com/acme/shop/cart.Total net/http.HandlerFunc.ServeHTTP net/http.(*conn).serve", FamilyUser)
	f("net/http.(*conn).readRequest net/http.(*conn).serve", FamilyHTTP)
	// Libraries.
	f("modernc.org/sqlite/lib._sqlite3VdbeExec modernc.org/sqlite.(*conn).step database/sql.(*Rows).Next main.handle", FamilyDatabase)
	f("crypto/internal/fips140/aes/gcm.gcmAesEnc crypto/tls.(*Conn).Write net/http.(*conn).serve", FamilyCrypto)
	f("compress/flate.(*compressor).deflate compress/gzip.(*Writer).Write main.handle", FamilyCompression)
	f("regexp.(*Regexp).tryBacktrack main.handle", FamilyRegexp)
	f("go.opentelemetry.io/otel/sdk/trace.(*recordingSpan).End main.handle", FamilyTelemetry)
	// Other languages' runtimes.
	f("java/util/HashMap.get com/fasterxml/jackson/databind/ObjectMapper.writeValue com/acme/Cart.show", FamilySerialisation)
	f("java/util/HashMap.get com/acme/Cart.total java/lang/Thread.run", FamilyUser)
	f("java.util.regex.Pattern$Loop.match com.acme.Cart.show", FamilyRegexp)
	f("org/postgresql/core/v3/QueryExecutorImpl.execute com/zaxxer/hikari/pool.ProxyStatement.execute com/acme/Cart.show", FamilyDatabase)
	f("G1ParScanThreadState::trim_queue G1ParTask::work", FamilyGC)
	f("System.Private.CoreLib!System.Threading.Monitor.Enter Acme.Shop!Acme.Cart.Total", FamilyLock)
	f("System.Private.CoreLib!System.String.Concat Acme.Shop!Acme.Cart.Total", FamilyUser)
	f("System.Text.Json!System.Text.Json.JsonSerializer.Serialize Acme.Shop!Acme.Cart.Total", FamilySerialisation)
	if got := FamilyOf([]string{"(garbage collector)", "(root)"}); got != FamilyGC {
		t.Errorf("Node's collector: %s", got)
	}
	// Nobody.
	f("runtime.memclrNoHeapPointers", FamilyRuntime)
	f("[libc.so.6]", FamilyRuntime)
	f("", FamilyRuntime)
}

type line struct {
	SKU   string            `json:"sku"`
	Price float64           `json:"price"`
	Attrs map[string]string `json:"attrs"`
}

// record takes a real CPU profile of this process while work runs.
func record(t *testing.T, d time.Duration, work func()) pitwall.ProfileWindow {
	t.Helper()
	var buf bytes.Buffer
	if err := pprof.StartCPUProfile(&buf); err != nil {
		t.Skipf("SKIPPED: somebody else is profiling this process: %v", err)
	}
	from, n := time.Now(), int64(0)
	for time.Since(from) < d {
		work()
		n++
	}
	pprof.StopCPUProfile()
	return pitwall.ProfileWindow{
		Service: "self", Type: pitwall.ProfileCPU, Requests: n, Data: buf.Bytes(),
		Period: pitwall.Period{From: from, To: time.Now()},
	}
}

func TestFoldRealSerialisation(t *testing.T) {
	items := make([]line, 50)
	for i := range items {
		items[i] = line{SKU: fmt.Sprint("sku-", i), Price: float64(i) / 3, Attrs: map[string]string{"colour": "red", "size": "XL"}}
	}
	w := record(t, 700*time.Millisecond, func() {
		b, err := json.Marshal(items)
		if err != nil || json.Unmarshal(b, &items) != nil {
			t.Fatal("round trip")
		}
	})
	folded, err := Fold([]pitwall.ProfileWindow{w})
	if err != nil {
		t.Fatal(err)
	}
	f := folded[0]
	if f.Total < 0.1 {
		t.Skipf("SKIPPED: only %.2f CPU seconds sampled on this busy machine", f.Total)
	}
	sum, dearest := 0.0, Family("")
	for fam, v := range f.Families {
		sum += v
		// The race detector's work stands on no stack, so it is left out.
		if fam != FamilyRuntime && v > f.Families[dearest] {
			dearest = fam
		}
	}
	if dearest != FamilySerialisation {
		t.Errorf("dearest family %s, want serialisation: %v", dearest, f.Families)
	}
	if math.Abs(sum-f.Total) > 1e-9 {
		t.Errorf("families add up to %v of %v", sum, f.Total)
	}
	marshal := f.Functions["encoding/json.Marshal"]
	if marshal.Cumulative <= 0 || marshal.Cumulative > f.Total || marshal.Self > marshal.Cumulative {
		t.Errorf("json.Marshal %+v of %v", marshal, f.Total)
	}
	per, err := PerRequest([]pitwall.ProfileWindow{w})
	i := slices.IndexFunc(per, func(r pitwall.FrameDelta) bool { return r.Name == string(FamilySerialisation) })
	if err != nil || i < 0 {
		t.Fatalf("per request %+v, %v", per, err)
	}
	if got, want := per[i].Before, f.Families[FamilySerialisation]/float64(w.Requests); got <= 0 || math.Abs(got-want) > 1e-12 {
		t.Errorf("per request %v, want %v", got, want)
	}
}

//go:noinline
func allocateMegabytes(n int) (kept [][]byte) {
	for range n {
		kept = append(kept, make([]byte, 1<<20))
	}
	return kept
}

func heap(t *testing.T) []byte {
	t.Helper()
	runtime.GC() // publishes allocations made so far
	runtime.GC()
	var buf bytes.Buffer
	if err := pprof.Lookup("allocs").WriteTo(&buf, 0); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestDeltaOfRealHeapProfiles(t *testing.T) {
	runtime.KeepAlive(allocateMegabytes(5))
	before := heap(t)
	runtime.KeepAlive(allocateMegabytes(32))
	after := heap(t)
	data, err := Delta(before, after, pitwall.ProfileAlloc)
	if err != nil {
		t.Fatal(err)
	}
	folded, err := Fold([]pitwall.ProfileWindow{{Type: pitwall.ProfileAlloc, Data: data, Requests: 1}})
	if err != nil {
		t.Fatal(err)
	}
	got := folded[0].Functions["github.com/pitwall/pitwall/internal/prof.allocateMegabytes"].Cumulative
	// One in seven allocations of this size is not sampled: 32 MiB, give or take 7 %.
	if got < 20<<20 || got > 44<<20 {
		t.Errorf("allocateMegabytes allocated %v bytes between the scrapes, want about 32 MiB", got)
	}
	if _, err := Delta(after, before, pitwall.ProfileAlloc); pitwall.KindOf(err) != pitwall.Conflict {
		t.Errorf("counts that went back: %v, want a conflict", err)
	}
	if _, err := Delta(before, after, pitwall.ProfileCPU); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("difference of CPU profiles: %v, want invalid", err)
	}
}

func TestParseRefuses(t *testing.T) {
	cpu := record(t, 10*time.Millisecond, func() {}).Data
	f := func(name string, data []byte, typ pitwall.ProfileType, want string) {
		t.Helper()
		_, err := Parse(data, typ)
		if pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want invalid with %q", name, err, want)
		}
	}
	f("empty", nil, pitwall.ProfileCPU, "")
	f("HTML", []byte("<html>not found</html>"), pitwall.ProfileCPU, "")
	f("torn gzip", cpu[:8], pitwall.ProfileCPU, "gzip")
	f("wrong type", cpu, pitwall.ProfileAlloc, "not what a alloc profile counts")
}

// cpuProfile makes a profile of 10 ms samples; stacks are root first, joined
// with ";".
func cpuProfile(t testing.TB, stacks map[string]int64) []byte {
	t.Helper()
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: 1e7,
	}
	for stack, n := range stacks {
		s := &profile.Sample{Value: []int64{n, n * 1e7}}
		names := strings.Split(stack, ";")
		for i := len(names) - 1; i >= 0; i-- {
			id := uint64(len(p.Location) + 1)
			fn := &profile.Function{ID: id, Name: names[i]}
			loc := &profile.Location{ID: id, Line: []profile.Line{{Function: fn}}}
			p.Function, p.Location = append(p.Function, fn), append(p.Location, loc)
			s.Location = append(s.Location, loc)
		}
		p.Sample = append(p.Sample, s)
	}
	var buf bytes.Buffer
	if err := p.WriteUncompressed(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestParseNamesAndRecursion(t *testing.T) {
	data := cpuProfile(t, map[string]int64{
		"main.main;main.walk[go.shape.int];main.walk[go.shape.int];main.(*T[...]).leaf": 3,
		"main.main;main.walk[go.shape.string];main.(*T[...]).leaf":                      2,
	})
	folded, err := Fold([]pitwall.ProfileWindow{{Type: pitwall.ProfileCPU, Data: data}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Cost{
		"main.main": {0, 0.05}, "main.walk": {0, 0.05}, "main.(*T).leaf": {0.05, 0.05},
	} {
		got := folded[0].Functions[name]
		if math.Abs(got.Self-want.Self)+math.Abs(got.Cumulative-want.Cumulative) > 1e-12 {
			t.Errorf("%s costs %+v, want %+v", name, got, want)
		}
	}
	p, err := Parse(data, pitwall.ProfileCPU)
	if err != nil || math.Abs(p.Quantum-0.01) > 1e-12 {
		t.Errorf("quantum %v, %v; want 10 ms", p.Quantum, err)
	}
}
