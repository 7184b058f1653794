package prof

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/pitwall/pitwall"
)

// sameStacks says in which way a profile as scanned differs from the graph that
// the pprof library builds of it; "" in none.
func sameStacks(f *flat, p *profile.Profile) string {
	if len(f.samples) != len(p.Sample) {
		return fmt.Sprintf("%d samples, want %d", len(f.samples), len(p.Sample))
	}
	for i, s := range p.Sample {
		var want []string
		for _, loc := range s.Location {
			for _, line := range loc.Line {
				want = append(want, plainName(line.Function.Name))
			}
			if len(loc.Line) == 0 && loc.Mapping != nil {
				want = append(want, bracketed(loc.Mapping.File))
			} else if len(loc.Line) == 0 {
				want = append(want, bracketed(""))
			}
		}
		if got := f.named(f.frames(nil, i)); !slices.Equal(got, want) {
			return fmt.Sprintf("sample %d: %q, want %q", i, got, want)
		}
		for k, v := range s.Value {
			if f.values[i*len(f.types)+k] != v {
				return fmt.Sprintf("sample %d: values differ", i)
			}
		}
	}
	return ""
}

// TestScanAgreesWithTheLibrary on real profiles of other processes and of this one.
func TestScanAgreesWithTheLibrary(t *testing.T) {
	files := map[string][]byte{"heap": heap(t)}
	paths, err := filepath.Glob(filepath.Join("testdata", "*.pb.gz"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no profiles in testdata", err)
	}
	for _, p := range paths {
		if files[p], err = os.ReadFile(p); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range files {
		plain, err := inflate(data)
		if err != nil {
			t.Fatal(err)
		}
		f, err := scan(plain)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p, err := profile.ParseUncompressed(plain)
		if err != nil {
			t.Fatal(err)
		}
		if why := sameStacks(f, p); why != "" {
			t.Errorf("%s: %s", name, why)
		}
	}
}

// FuzzParse: no bytes make a panic, everything refused is Invalid, and what the
// pprof library takes is read alike.
func FuzzParse(f *testing.F) {
	var buf bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&buf, 0); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Add([]byte{0x1f, 0x8b})
	f.Add([]byte("--- heap"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, typ := range []pitwall.ProfileType{pitwall.ProfileCPU, pitwall.ProfileAlloc, "unheard-of"} {
			if _, err := Parse(data, typ); err != nil && pitwall.KindOf(err) != pitwall.Invalid {
				t.Errorf("%s: %v, want invalid", typ, err)
			}
		}
		plain, err := inflate(data)
		if err != nil || weigh(plain) != nil {
			return
		}
		p, err := decode(plain)
		got, mine := scan(plain)
		if err == nil && mine == nil {
			if why := sameStacks(got, p); why != "" {
				t.Error(why)
			}
		}
	})
}

// FuzzDiff: whatever a window holds, the comparison is one that can be written
// as JSON.
func FuzzDiff(f *testing.F) {
	good := cpuProfile(f, map[string]int64{"main.main;main.a": 40, "main.main;main.b": 90})
	f.Add(good, uint8(4), int64(100))
	f.Add(cpuProfile(f, map[string]int64{"main.main;main.a": -40, "main.a;main.a;main.a": 1 << 40}), uint8(3), int64(0))
	f.Fuzz(func(t *testing.T, data []byte, windows uint8, requests int64) {
		var base, head []pitwall.ProfileWindow
		for range windows % 6 {
			base = append(base, pitwall.ProfileWindow{Type: pitwall.ProfileCPU, Requests: 50, Data: good})
			head = append(head, pitwall.ProfileWindow{Type: pitwall.ProfileCPU, Requests: requests, Data: data})
		}
		d, err := Diff(base, head, Options{})
		if err != nil {
			return
		}
		if _, err := json.Marshal(d); err != nil {
			t.Error(err)
		}
	})
}
