//go:build unix

package casefile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// naming is a case that names files of one sort.
func naming(sort, names string) string {
	return strings.Replace(whole, `"window"`, `"`+sort+`":[`+names+`],"window"`, 1)
}

// TestNothingElseIsRead: a case is of its folder and what lies beside it; no
// name leads elsewhere, a pipe is not waited for, and what a file holds, be it
// linked from anywhere, is not in the error.
func TestNothingElseIsRead(t *testing.T) {
	above := t.TempDir()
	if err := os.WriteFile(filepath.Join(above, "secret.jsonl"), []byte("root:hunter2:0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(above, "cases", "one")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("../shared.jsonl", "root:hunter2:0\n")
	if err := os.Symlink("../../secret.jsonl", filepath.Join(dir, "link.jsonl")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.jsonl"), 0o644); err != nil {
		t.Fatal(err)
	}
	f := func(name, want string) {
		t.Helper()
		for _, sort := range []string{"logs", "spans"} {
			put("case.json", naming(sort, `"`+name+`"`))
			c, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if sort == "logs" {
				_, err = c.LogMoves(t.Context(), c.Baseline, c.Window)
			} else {
				_, err = c.Spans(t.Context(), pitwall.SpanQuery{Period: c.Window})
			}
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s %s: %v, want %q", sort, name, err, want)
			}
		}
	}
	f("../../secret.jsonl", "neither in the folder")
	f(filepath.Join(above, "secret.jsonl"), "neither in the folder")
	f("../cases/../../secret.jsonl", "neither in the folder")
	f("link.jsonl", "line 1: ") // a link is followed
	f("pipe.jsonl", "no regular file")
	f("/etc/passwd", "must end in .jsonl")
	f("../shared.jsonl", "line 1: ") // legal, and no OTLP
}

// TestMadeToHarm: what unpacks to much, goes deep or has no end is an error, and
// costs little memory.
func TestMadeToHarm(t *testing.T) {
	quoted := "time,service,metric,stat,value\n\"" + strings.Repeat("a", 64<<20)
	deep := `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":` + strings.Repeat(`{"arrayValue":{"values":[`, 300) + "1" + strings.Repeat(`]}}`, 300) + `}]}]}]}`
	wide := `{"resourceLogs":[` + strings.Repeat(`{},`, mostTokens) + `{}]}`
	long := strings.Repeat(" ", mostLine+1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"one field":  {map[string]string{"case.json": whole, "metrics.csv.gz": quoted}, "quotation mark"},
		"deep":       {map[string]string{"case.json": whole, "logs.jsonl": deep}, "nested deeper"},
		"wide":       {map[string]string{"case.json": whole, "logs.jsonl": wide}, "members"},
		"long":       {map[string]string{"case.json": whole, "logs.jsonl.gz": long}, "longer than"},
		"many files": {map[string]string{"case.json": naming("metrics", strings.Repeat(`"a.csv",`, mostFiles)+`"a.csv"`)}, "at most"},
		"cut off":    {map[string]string{"case.json": whole, "metrics.csv": "time,service,metric,stat,value\n1,\"a"}, "metrics.csv"},
	} {
		c2 := open(t, c.files)
		_, err := c2.Measured(t.Context(), c2.all())
		if pitwall.KindOf(err) == pitwall.NotFound {
			_, err = c2.LogMoves(t.Context(), c2.Baseline, c2.Window)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 700<<20 { // most of it the test's own files
		t.Errorf("it took %d MiB", got>>20)
	}
}

// TestPeriodsThatContradict each other are no case.
func TestPeriodsThatContradict(t *testing.T) {
	for from, to := range map[string]string{`"from":"2026-06-20T10:00:00Z"`: `"from":"0001-01-01T00:00:00Z"`, `"to":"2026-06-20T10:30:00Z"`: `"to":"2026-06-20T10:45:00Z"`} {
		if _, err := Open(folder(t, map[string]string{"case.json": strings.Replace(whole, from, to, 1)})); pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%s: %v", to, err)
		}
	}
}

// TestNobodyWaitsAnyMore: reading stops.
func TestNobodyWaitsAnyMore(t *testing.T) {
	c := open(t, map[string]string{"case.json": whole, "metrics.csv": "time,service,metric,stat,value\n", "logs.jsonl": "{}\n"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Measured(ctx, c.all()); !errors.Is(err, context.Canceled) {
		t.Errorf("metrics: %v", err)
	}
	if _, err := c.LogMoves(ctx, c.Baseline, c.Window); !errors.Is(err, context.Canceled) {
		t.Errorf("logs: %v", err)
	}
}

// TestMostFrequentPatterns: of many patterns those that come most are compared.
func TestMostFrequentPatterns(t *testing.T) {
	n := counting{scale: 1, window: pitwall.Period{From: time.Unix(0, 0), To: time.Unix(10, 0)}, moves: map[patternKey]*pitwall.LogMove{}}
	for i := range comparedPatterns + 5 {
		key := patternKey{"s", fmt.Sprint(i)}
		n.moves[key] = &pitwall.LogMove{Template: key.template, After: float64(1 + i%2)}
		n.order = append(n.order, key)
	}
	got := n.beside(nil)
	if len(got) != comparedPatterns || got[0].Template != "0" || got[len(got)-1].Template != fmt.Sprint(comparedPatterns+3) {
		t.Errorf("%d patterns, first %s, last %s", len(got), got[0].Template, got[len(got)-1].Template)
	}
}

// FuzzLines: no line is worth a panic, and none is lost.
func FuzzLines(f *testing.F) {
	f.Add("{\"resourceLogs\":[]}\n\n{\"a\":[{}]}")
	f.Add("{\"a\":\"\\\"]]]\"}\n]")
	f.Fuzz(func(t *testing.T, text string) {
		want := 0
		for l := range strings.SplitSeq(text, "\n") {
			if strings.TrimSpace(l) != "" {
				want++
			}
		}
		got := 0
		if err := lines(strings.NewReader(text), func(line []byte) error { got++; _ = sound(line); return nil }); err != nil || got != want {
			t.Fatalf("%d lines of %d, %v", got, want, err)
		}
	})
}
