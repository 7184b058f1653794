package prof

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/pprof/profile"

	"github.com/pitwall/pitwall"
)

// written is a file whose stacks cost so much.
func written(t *testing.T, typ pitwall.ProfileType, quantum float64, costs ...float64) []byte {
	t.Helper()
	p := &Profile{Type: typ, Quantum: quantum}
	for i, c := range costs {
		p.Stacks = append(p.Stacks, Stack{Frames: []string{"main.leaf" + strings.Repeat("x", i), "main.main"}, Value: c})
	}
	data, err := Encode(p, pitwall.Period{From: time.Unix(100, 0), To: time.Unix(110, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestEncodeIsReadBack: what is written of every type is what is parsed.
func TestEncodeIsReadBack(t *testing.T) {
	for _, typ := range pitwall.ProfileTypes() {
		quantum := map[pitwall.ProfileType]float64{pitwall.ProfileCPU: 0.01, pitwall.ProfileAlloc: 512, pitwall.ProfileHeap: 512, pitwall.ProfileMutex: 2, pitwall.ProfileBlock: 2, pitwall.ProfileGoroutine: 1}[typ]
		data := written(t, typ, quantum, 2048, 4096)
		p, err := Parse(data, typ)
		if err != nil {
			t.Fatal(err)
		}
		want := &Profile{Type: typ, Quantum: quantum, Stacks: []Stack{{[]string{"main.leaf", "main.main"}, 2048}, {[]string{"main.leafx", "main.main"}, 4096}}}
		if d := cmp.Diff(want, p, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9*math.Abs(a) })); d != "" {
			t.Errorf("%s (-written +read):\n%s", typ, d)
		}
		what, err := Describe(data)
		if err != nil || !slices.Contains(what.Types, typ) || what.Samples != 2 || what.At.Unix() != 100 || what.Length != 10*time.Second {
			t.Errorf("%s describes itself as %+v, %v", typ, what, err)
		}
	}
}

// TestKeepMakesProfilesOfAllOriginsAlike: other units, other orders, other names.
func TestKeepMakesProfilesOfAllOriginsAlike(t *testing.T) {
	f := func(types []*profile.ValueType, values []int64, typ pitwall.ProfileType, names map[string]string, want ...int64) {
		t.Helper()
		fn := &profile.Function{ID: 1, Name: "main.f"}
		loc := &profile.Location{ID: 1, Line: []profile.Line{{Function: fn}}}
		raw := &profile.Profile{SampleType: types, Function: []*profile.Function{fn}, Location: []*profile.Location{loc}, Sample: []*profile.Sample{{Location: []*profile.Location{loc}, Value: values}}}
		var buf bytes.Buffer
		if err := raw.Write(&buf); err != nil {
			t.Fatal(err)
		}
		data, err := Keep(buf.Bytes(), typ, names)
		if err != nil {
			t.Error(err)
			return
		}
		p, err := profile.ParseData(data)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, p.Sample[0].Value); d != "" {
			t.Errorf("%s (-want +got):\n%s", typ, d)
		}
	}
	ms, count, size := "milliseconds", "count", "bytes"
	f([]*profile.ValueType{{Type: "cpu", Unit: ms}}, []int64{20}, pitwall.ProfileCPU, nil, 0, 20_000_000)
	f([]*profile.ValueType{{Type: "delay", Unit: "microseconds"}, {Type: "contentions", Unit: count}}, []int64{7, 3}, pitwall.ProfileBlock, nil, 3, 7000)
	f([]*profile.ValueType{{Type: "alloc_space", Unit: size}, {Type: "inuse_space", Unit: size}}, []int64{5, 6}, pitwall.ProfileHeap, nil, 0, 6)
	f([]*profile.ValueType{{Type: "alloc-size", Unit: size}}, []int64{5}, pitwall.ProfileAlloc, map[string]string{"alloc-size": "alloc_space"}, 0, 5)

	if _, err := Keep(written(t, pitwall.ProfileCPU, 1, 1), pitwall.ProfileHeap, nil); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("heap of a CPU profile: %v", err)
	}
	if _, err := Keep(written(t, pitwall.ProfileCPU, 1, 1), "wall", nil); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("an unknown type: %v", err)
	}
}

// TestMergeDataIsTheSum compares the merge by batches with Merge over real
// profiles.
func TestMergeDataIsTheSum(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "w*.pb.gz"))
	if err != nil || len(files) < 2 {
		t.Fatal(err, files)
	}
	var all [][]byte
	var parsed []*Profile
	for i := range 40 {
		data, err := os.ReadFile(files[i%len(files)])
		if err != nil {
			t.Fatal(err)
		}
		p, err := Parse(data, pitwall.ProfileCPU)
		if err != nil {
			t.Fatal(err)
		}
		all, parsed = append(all, data), append(parsed, p)
	}
	each := func(yield func([]byte, error) bool) {
		for _, d := range all {
			if !yield(d, nil) {
				return
			}
		}
	}
	data, n, err := MergeData(pitwall.ProfileCPU, each)
	if err != nil || n != 40 {
		t.Fatal(n, err)
	}
	got, err := Parse(data, pitwall.ProfileCPU)
	if err != nil {
		t.Fatal(err)
	}
	want := merged(parsed)
	a, b := fold(got), fold(want)
	if math.Abs(a.Total-b.Total) > 1e-6 || len(a.Functions) != len(b.Functions) {
		t.Errorf("%v s over %d functions, want %v s over %d", a.Total, len(a.Functions), b.Total, len(b.Functions))
	}
	for name, c := range b.Functions {
		if math.Abs(a.Functions[name].Cumulative-c.Cumulative) > 1e-6 {
			t.Errorf("%s costs %v, want %v", name, a.Functions[name], c)
		}
	}
	broken := errors.New("broken")
	if _, _, err := MergeData(pitwall.ProfileCPU, func(yield func([]byte, error) bool) { yield(nil, broken) }); !errors.Is(err, broken) {
		t.Errorf("a reader's error became %v", err)
	}
	if data, n, err := MergeData(pitwall.ProfileCPU, func(func([]byte, error) bool) {}); data != nil || n != 0 || err != nil {
		t.Errorf("nothing merged: %d bytes, %d, %v", len(data), n, err)
	}
}

// TestSwollenProfilesAreRefused: a few megabytes on the wire, gigabytes in
// memory.
func TestSwollenProfilesAreRefused(t *testing.T) {
	for name, body := range map[string][]byte{
		"samples":   bytes.Repeat([]byte{0x12, 0}, 16<<20),
		"locations": bytes.Repeat([]byte{0x22, 0}, 16<<20),
		"ids":       append([]byte{0x12, 0x84, 0x80, 0x80, 0x08, 0x0a, 0x80, 0x80, 0x80, 0x08}, make([]byte, 16<<20)...),
		"labels":    append([]byte{0x12, 0x80, 0x80, 0x80, 0x08}, bytes.Repeat([]byte{0x1a, 0}, 8<<20)...),
	} {
		_, err := Describe(body)
		if pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), "of memory") && name != "ids" {
			t.Errorf("%s: %v, want a refusal for its weight", name, err)
		}
	}
	// Real ones are far from the bound.
	files, _ := filepath.Glob(filepath.Join("testdata", "w*.pb.gz"))
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Describe(data); err != nil {
			t.Error(err)
		}
	}
}

// FuzzDescribe: no bytes make a panic, and what can be described can be kept.
func FuzzDescribe(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join("testdata", "w*.pb.gz"))
	data, err := os.ReadFile(files[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte{0x12, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		what, err := Describe(data)
		if err != nil {
			return
		}
		for _, typ := range what.Types {
			kept, err := Keep(data, typ, nil)
			if err != nil {
				continue // a unit nobody knows
			}
			if _, err := Parse(kept, typ); err != nil {
				t.Fatal(err)
			}
		}
	})
}
