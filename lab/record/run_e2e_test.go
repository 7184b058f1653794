//go:build e2e

package record_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pitwall/pitwall/lab/record"
)

// TestRealRecording records a minute of the quiet story as a case: every signal
// is in it, nothing was lost, nobody is to blame for its six changes, and no
// half-made folder is left. It takes some eighty seconds.
func TestRealRecording(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var said bytes.Buffer
	dir := filepath.Join(t.TempDir(), "lab-quiet")
	rep, err := record.Run(ctx, record.Options{
		Out: dir, Lab: []string{os.Args[0], "lab"}, Story: "quiet", Seed: 1, RPS: 20, Pace: 4, Sample: .25,
		Warm: 8 * time.Second, Most: 60 * time.Second, Stderr: &said,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	if rep.Injected || rep.Changes != 6 || rep.Beacons == 0 || len(rep.Warnings) > 0 {
		t.Errorf("recorded %+v\n%s", rep, said.String())
	}
	// At 20 checkouts per second some 15,000 spans, 1,500 rows and 200 profiles.
	if rep.Spans < 5000 || rep.Kept < 500 || rep.Rows < 500 || rep.Profiles < 100 || rep.Effect.Before.N < 200 || rep.Effect.After.N < 200 {
		t.Errorf("too little was recorded: %+v", rep)
	}
	var truth struct {
		None   bool     `json:"none"`
		Decoys []string `json:"decoys"`
	}
	var profiles []struct {
		File string `json:"file"`
	}
	decode(t, filepath.Join(dir, "truth.json"), &truth)
	decode(t, filepath.Join(dir, "profiles.json"), &profiles)
	for _, name := range []string{"case.json", "changes.json", "topology.json", "recording.json"} {
		decode(t, filepath.Join(dir, name), new(any))
	}
	if !truth.None || len(truth.Decoys) != rep.Changes {
		t.Errorf("the truth is %+v", truth)
	}
	for _, p := range profiles {
		if info, err := os.Stat(filepath.Join(dir, p.File)); err != nil || info.Size() == 0 {
			t.Errorf("profile %s: %v", p.File, err)
		}
	}
	if rows := lines(t, filepath.Join(dir, "metrics.csv.gz")); len(profiles) != rep.Profiles || rows != rep.Rows+1 {
		t.Errorf("%d profiles and %d rows with their head; the report says %d and %d", len(profiles), rows, rep.Profiles, rep.Rows)
	}
	if lines(t, filepath.Join(dir, "spans.jsonl.gz")) == 0 {
		t.Error("no trace was written")
	}
	if beside, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(beside) != 1 {
		t.Errorf("beside the case lie %v, %v", beside, err)
	}
}

func decode(t *testing.T, path string, into any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// lines counts the lines of a packed file.
func lines(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(raw, []byte("\n"))
}
