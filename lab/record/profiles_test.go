package record

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/pprof/profile"
)

// stack is a made call stack, innermost first, with what it costs.
type stack struct {
	cost   int64
	frames []string
}

// pprofOf makes a profile as Go writes it: with addresses, lines and labels.
func pprofOf(at time.Time, types []string, stacks ...stack) *profile.Profile {
	p := &profile.Profile{TimeNanos: at.UnixNano(), PeriodType: &profile.ValueType{Type: "space", Unit: "bytes"}, Period: 512}
	for _, name := range types {
		p.SampleType = append(p.SampleType, &profile.ValueType{Type: name, Unit: "count"})
	}
	m := &profile.Mapping{ID: 1, Start: 1, Limit: 1 << 20, File: "/bin/shop"}
	p.Mapping = []*profile.Mapping{m}
	known := map[string]*profile.Location{}
	for i, st := range stacks {
		s := &profile.Sample{Label: map[string][]string{"n": {string(rune('a' + i))}}}
		for range types {
			s.Value = append(s.Value, st.cost)
		}
		for _, name := range st.frames {
			if known[name] == nil {
				f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: name, SystemName: name, Filename: "/src/" + name}
				l := &profile.Location{ID: f.ID, Mapping: m, Address: 1000 + f.ID, Line: []profile.Line{{Function: f, Line: int64(f.ID)}}}
				p.Function, p.Location = append(p.Function, f), append(p.Location, l)
				known[name] = l
			}
			s.Location = append(s.Location, known[name])
		}
		p.Sample = append(p.Sample, s)
	}
	return p
}

func packedProfile(t *testing.T, p *profile.Profile) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := p.Write(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// told lists a profile's stacks with the last value of each.
func told(p *profile.Profile) map[string]int64 {
	out := map[string]int64{}
	for _, s := range p.Sample {
		name := ""
		for _, l := range s.Location {
			name += l.Line[0].Function.Name + " < "
		}
		out[name] += s.Value[len(s.Value)-1]
	}
	return out
}

func TestParseLeavesStacks(t *testing.T) {
	p, err := parse(packedProfile(t, pprofOf(t0(), []string{"samples", "cpu"}, stack{3, []string{"a", "main"}}, stack{4, []string{"a", "main"}}, stack{1, []string{"b", "main"}})))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]int64{"a < main < ": 7, "b < main < ": 1}, told(p)); d != "" || len(p.Sample) != 2 {
		t.Errorf("%d samples, diff:\n%s", len(p.Sample), d)
	}
	if len(p.Mapping) != 0 || p.Function[0].Filename != "" || p.Location[0].Line[0].Line != 0 {
		t.Errorf("files, lines or mappings are left:\n%s", p)
	}
	if _, err := parse([]byte("no profile")); err == nil {
		t.Error("nonsense was read")
	}
}

func TestDifference(t *testing.T) {
	types := []string{"alloc_space", "inuse_space"}
	before := pprofOf(from(0), types, stack{10, []string{"a"}}, stack{5, []string{"b"}})
	after := pprofOf(from(5), types, stack{25, []string{"a"}}, stack{5, []string{"b"}}, stack{2, []string{"c"}})
	d, err := difference(before, after)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int64{"a < ": 15, "c < ": 2}, told(d)); diff != "" {
		t.Error(diff)
	}
	if len(d.SampleType) != 1 || d.DurationNanos != int64(5*time.Second) || len(after.SampleType) != 2 {
		t.Errorf("types %v, %s long; the snapshot has %d types", d.SampleType, time.Duration(d.DurationNanos), len(after.SampleType))
	}
	if _, err := difference(after, before); !errors.Is(err, errRestarted) {
		t.Errorf("counts that went back gave %v", err)
	}
}

// All windows in which nothing was counted are one file.
func TestEmptyProfilesAreOneFile(t *testing.T) {
	types := []string{"contentions", "delay"}
	empty := func(at float64) []byte {
		p := pprofOf(from(at), types, stack{4, []string{"a"}})
		d, err := difference(p, pprofOf(from(at+5), types, stack{4, []string{"a"}}))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := pack(d)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := profile.ParseData(raw); err != nil || len(back.SampleType) != 2 || len(back.Sample) != 0 {
			t.Fatalf("an empty profile came back as %v, %v", back, err)
		}
		return raw
	}
	if !bytes.Equal(empty(0), empty(5)) {
		t.Error("two windows without contention are different files")
	}
}

func TestCountRequestsPerWindow(t *testing.T) {
	m := newMade(1)
	var tds []ptraceTraces
	for i := range 20 {
		tds = append(tds, m.trace(ask{at: float64(i), took: .5, version: map[bool]string{true: "v7", false: "v8"}[i < 10]}))
	}
	shots := []shot{
		{service: "payment", version: "v7", from: from(0), to: from(5)},
		{service: "payment", version: "v7", from: from(5), to: from(15)},
		{service: "payment", version: "v8", from: from(5), to: from(15)},
		{service: "edge", version: "v5", from: from(2.4), to: from(2.6)},
		{service: "edge", version: "v6", from: from(0), to: from(20)},
	}
	count(shots, flatten(tds))
	for i, want := range []int64{5, 5, 5, 1, 0} {
		if shots[i].requests != want {
			t.Errorf("window %d served %d requests, want %d", i, shots[i].requests, want)
		}
	}
}

func TestFewerWindows(t *testing.T) {
	ps := periods{stretch(0, 100), stretch(100, 200)}
	var shots []shot
	for i := range 40 {
		at := 2.5 + 5*float64(i)
		version := map[bool]string{true: "v7", false: "v8"}[at < 120]
		for service, cost := range map[string]int64{"big": 100, "small": 1, "middle": 50} {
			for _, kind := range []string{"cpu", "alloc"} {
				shots = append(shots, shot{service: service, version: version, kind: kind, from: from(at), to: from(at + 5), requests: 10,
					prof: pprofOf(from(at), []string{"cpu"}, stack{cost, []string{"runtime.mallocgc", "main.f"}})})
			}
		}
	}
	out, err := fewer(shots, ps)
	if err != nil {
		t.Fatal(err)
	}
	n := map[[3]string]int{}
	var requests int64
	for _, s := range out {
		side := "before"
		if !s.from.Before(ps.baseline.to) {
			side = "after"
		}
		if s.from.Before(ps.baseline.to) && s.to.After(ps.baseline.to) {
			t.Errorf("a window lies on the border: %s to %s", s.from, s.to)
		}
		if s.kind == "cpu" && s.service == "small" {
			requests += s.requests
		}
		n[[3]string{s.service, s.kind, side}]++
	}
	for _, service := range []string{"big", "middle", "small"} {
		for _, side := range []string{"before", "after"} {
			if got := n[[3]string{service, "cpu", side}]; got < smallWindows || got > smallWindows+2 {
				t.Errorf("%s has %d windows %s", service, got, side)
			}
		}
	}
	if n[[3]string{"middle", "alloc", "before"}] != 0 || n[[3]string{"big", "alloc", "after"}] == 0 {
		t.Errorf("allocations are those of %v", n)
	}
	if requests != 390 { // all but the one on the border
		t.Errorf("%d requests are left, want 390", requests)
	}
}

func TestSmallerStacks(t *testing.T) {
	p := pprofOf(t0(), []string{"alloc_space"},
		stack{1000, []string{"runtime.newobject", "runtime.mallocgc", shopModule + "lab/shop.b", shopModule + "lab/shop.a", "net/http.(*conn).serve", "net/http.HandlerFunc.ServeHTTP"}},
		stack{3, []string{"example.com/x.Y[go.shape.struct { a/b.C }].Z", "net/http.HandlerFunc.ServeHTTP"}})
	got, err := smaller(p, true)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{
		"runtime.mallocgc < " + shopModule + "lab/shop.b < " + shopModule + "lab/shop.a < net/http.HandlerFunc.ServeHTTP < ": 1000,
		"net/http.HandlerFunc.ServeHTTP < ": 3,
	}
	if d := cmp.Diff(want, told(got)); d != "" {
		t.Error(d)
	}
}
