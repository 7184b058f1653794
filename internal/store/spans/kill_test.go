//go:build unix

package spans

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// TestSIGKILLInTheMiddleOfCuts kills a store that makes blocks all the time: at
// each step of a cut, and at any moment. Whatever was acknowledged is there
// once, and the sums are those of the spans.
func TestSIGKILLInTheMiddleOfCuts(t *testing.T) {
	if role := os.Getenv("SPANS_TEST_ROLE"); role != "" {
		appendUntilKilled(t, role)
	}
	dir := t.TempDir()
	acked, rounds := 0, []string{"rollup", "block", "swap", "any", "block", "any", "swap", "any"}
	for round, where := range rounds {
		child := asChild(t, where, dir)
		child.Env = append(child.Env, fmt.Sprint("SPANS_TEST_FROM=", acked+round*1000))
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		patience := 20 * time.Second
		if where == "any" {
			patience = time.Duration(120+70*round) * time.Millisecond
		}
		timer := time.AfterFunc(patience, func() { _ = child.Process.Kill() })
		last := 0
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if n, err := strconv.Atoi(strings.TrimPrefix(lines.Text(), "acknowledged ")); err == nil {
				last = n
			}
		}
		_ = child.Wait()
		if !timer.Stop() && where != "any" {
			t.Fatalf("round %d: the child never came to %q", round, where)
		}
		acked += last // a child may also die while it reads the log and makes blocks of it
	}
	if acked == 0 {
		t.Fatal("nothing was acknowledged")
	}
	s := open(t, dir, killOptions(""))
	got := ask(t, s, pitwall.SpanQuery{Service: "checkout"})
	if got.Len() < acked || got.Len() > acked+len(rounds) {
		t.Errorf("%d batches acknowledged over %d kills, %d found", acked, len(rounds), got.Len())
	}
	seen := map[uint64]bool{}
	for _, id := range got.SpanID {
		if seen[id] {
			t.Fatalf("span %d is there twice", id)
		}
		seen[id] = true
	}
	totals, err := s.Operations(t.Context(), pitwall.OperationQuery{Service: "checkout"})
	if err != nil || len(totals) != 1 || totals[0].Count != int64(got.Len()) {
		t.Errorf("sums %+v, %v; want %d spans", totals, err, got.Len())
	}
	if m := s.Health()[0].Message; strings.Contains(m, "damaged") || strings.Contains(m, "left out") {
		t.Error(m)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*", "*.tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func killOptions(where string) Options {
	calls := 0
	return Options{
		SegmentBytes: 20_000, HeadSpans: 90, TraceIdle: time.Millisecond, TapKeep: time.Millisecond, Retention: 1000 * time.Hour, Now: time.Now,
		DiskBytes: 1 << 40,
		step: func(name string) error {
			if calls++; name == where && calls > 10 {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
			return nil
		},
	}
}

func appendUntilKilled(t *testing.T, where string) {
	from, err := strconv.Atoi(os.Getenv("SPANS_TEST_FROM"))
	if err != nil {
		t.Fatal(err)
	}
	opt := killOptions(where)
	s := open(t, os.Getenv("SPANS_TEST_DIR"), opt)
	for n := 0; ; n++ {
		add(t, s, requests(from+n, from+n+1, "v1", func(int) time.Time { return time.Now() }))
		fmt.Printf("acknowledged %d\n", n+1)
		if n%50 == 0 {
			s.upkeep()
		}
	}
}

// TestAFullDiskWhileMakingBlocks: the log still fits, a block does not.
func TestAFullDiskWhileMakingBlocks(t *testing.T) {
	if os.Getenv("SPANS_TEST_ROLE") == "full" {
		signal.Ignore(syscall.SIGXFSZ) // then a file at its size limit behaves as on a full disk
		limit := syscall.Rlimit{Cur: 3000, Max: 1 << 30}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		now := at(0)
		s := still(t, os.Getenv("SPANS_TEST_DIR"), &now, Options{HeadSpans: 40, MaxSpans: 1000, SegmentBytes: 1000})
		for n := range 30 {
			add(t, s, requests(n, n+1, "v1", each(time.Second)))
		}
		now = now.Add(time.Hour)
		s.cutOnce(t.Context())
		h := s.Health()[0]
		if h.Up || !strings.Contains(h.Message, "making a block") || ask(t, s, pitwall.SpanQuery{}).Len() != 90 {
			t.Fatalf("health %+v", h)
		}
		limit.Cur = 1 << 30
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		cutAll(t, s)
		if h := s.Health()[0]; !h.Up || s.Stats().BlockSpans != 90 || ask(t, s, pitwall.SpanQuery{}).Len() != 90 {
			t.Fatalf("with room again: %+v, %+v", h, s.Stats())
		}
		return
	}
	dir := t.TempDir()
	if out, err := asChild(t, "full", dir).Output(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	now := at(time.Hour)
	if got := ask(t, still(t, dir, &now, Options{}), pitwall.SpanQuery{}).Len(); got != 90 {
		t.Errorf("%d spans after opening again, want 90", got)
	}
}
