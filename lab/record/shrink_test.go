package record

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestShrink: half of the traces, whole; eight windows a side or fewer; the
// same question, and no more than there was.
func TestShrink(t *testing.T) {
	found, err := filepath.Glob("../../internal/cli/testdata/cases/*/case.json")
	if err != nil || len(found) == 0 {
		t.Fatalf("no committed case: %v", err)
	}
	from, to := filepath.Dir(found[0]), filepath.Join(t.TempDir(), "less")
	if err := Shrink(from, to, 0.5); err != nil {
		t.Fatal(err)
	}
	type head struct {
		ID       string
		Sampling float64
		Baseline struct{ To time.Time }
	}
	read := func(path string, v any) {
		t.Helper()
		raw, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(raw, v)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var was, is head
	read(filepath.Join(from, "case.json"), &was)
	read(filepath.Join(to, "case.json"), &is)
	if is.ID != was.ID || is.Sampling != round(was.Sampling/2) {
		t.Errorf("%+v of %+v", is, was)
	}
	var windows []profileEntry
	read(filepath.Join(to, "profiles.json"), &windows)
	sides := map[[2]string]map[bool]int{}
	for _, w := range windows {
		k := [2]string{w.Service, w.Type}
		if sides[k] == nil {
			sides[k] = map[bool]int{}
		}
		sides[k][!w.From.Before(was.Baseline.To)]++
	}
	if len(sides) == 0 {
		t.Error("no windows are left")
	}
	for k, n := range sides {
		if n[false] > smallWindows+1 || n[true] > smallWindows+1 {
			t.Errorf("%s %s: %d and %d windows", k[0], k[1], n[false], n[true])
		}
	}
	size := func(dir string) int64 {
		info, err := os.Stat(filepath.Join(dir, "spans.jsonl.gz"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if a, b := size(from), size(to); b >= a || b == 0 {
		t.Errorf("spans of %d bytes became %d", a, b)
	}
}
