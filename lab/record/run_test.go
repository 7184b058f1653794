package record_test

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"

	"github.com/pitwall/pitwall/lab"
	"github.com/pitwall/pitwall/lab/record"
)

// TestMain lets the test binary be the lab's binary, as pitwall is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "lab" {
		os.Exit(lab.Main(context.Background(), os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// A few seconds of the real shop: every signal arrives, and nothing is lost.
func TestARealShopIsHeard(t *testing.T) {
	var errs bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	o := record.Options{Lab: []string{os.Args[0], "lab"}, Story: "quiet", Seed: 1, RPS: 20, Pace: 1, Stderr: &errs}
	g, err := record.Look(ctx, o, t.TempDir(), 5500*time.Millisecond)
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	if len(g.Services) != 6 || g.Metrics < 10 || g.Profiles < 4 || g.Requests < 100 || len(g.Warnings) > 0 {
		t.Errorf("heard %+v", g)
	}
}
