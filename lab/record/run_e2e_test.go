//go:build e2e

package record_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pitwall/pitwall/lab/record"
)

// TestRealRecording records a minute of the quiet story as a case.
func TestRealRecording(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab-quiet")
	rep, err := record.Run(context.Background(), record.Options{
		Out: dir, Lab: []string{os.Args[0], "lab"}, Story: "quiet", Seed: 1, RPS: 20, Pace: 4, Sample: .25,
		Warm: 8 * time.Second, Most: 60 * time.Second, Bad: 30 * time.Second, Stderr: os.Stderr,
	})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Spans < 5000 || rep.Changes < 4 || rep.Profiles < 100 || rep.Rows < 500 || len(rep.Warnings) > 0 {
		t.Errorf("recorded %+v", rep)
	}
	for _, name := range []string{"case.json", "truth.json", "changes.json", "topology.json", "metrics.csv.gz", "spans.jsonl.gz", "profiles.json", "recording.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}
