//go:build unix

package metrics

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// asChild runs this test alone in a process of its own.
func asChild(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "METRICS_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

// request n is width counters, each with the value n, at a time of its own.
func request(n, width int) []pitwall.Series {
	out := make([]pitwall.Series, width)
	for i := range out {
		out[i] = pitwall.Series{Labels: map[string]string{"__name__": "hits", "i": strconv.Itoa(i)},
			T: []int64{start.UnixMilli() + int64(n)}, V: []float64{float64(n)}}
	}
	return out
}

// stored is how many of the first series' samples are there.
func stored(t *testing.T, s *Store, query string) int {
	t.Helper()
	got, err := s.Query(context.Background(), query, start.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 {
		return 0
	}
	return int(got[0].V[0])
}

func TestNothingAcknowledgedIsLostToSIGKILL(t *testing.T) {
	if dir := os.Getenv("METRICS_TEST_DIR"); dir != "" {
		s := mustOpen(t, dir, start.Add(time.Hour))
		for n := stored(t, s, "max_over_time(hits{i=\"0\"}[2h])") + 1; ; n++ {
			if err := s.AppendSeries(t.Context(), request(n, 50)); err != nil {
				t.Fatal(err)
			}
			fmt.Printf("acknowledged %d\n", n)
		}
	}
	dir, last := t.TempDir(), 0
	for round := range 3 {
		child := asChild(t, dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		before := last
		for lines := bufio.NewScanner(out); lines.Scan(); {
			n, err := strconv.Atoi(strings.TrimPrefix(lines.Text(), "acknowledged "))
			if err != nil {
				continue
			}
			if last == before { // it is at work: let it be in the middle of something
				time.AfterFunc(time.Duration(50+97*round)*time.Millisecond, func() { _ = child.Process.Kill() })
			}
			last = n
		}
		_ = child.Wait()
		if last == before {
			t.Fatal("the child acknowledged nothing")
		}
	}
	s := mustOpen(t, dir, start.Add(time.Hour))
	// A sample a round may be stored without its acknowledgement being read.
	if got := stored(t, s, "min(count_over_time(hits[2h]))"); got < last || got > last+3 {
		t.Errorf("%d samples in the poorest series, %d acknowledged over three kills", got, last)
	}
}

// TestFullDisk lets a child write until no file may grow any more, then gives
// it room again and kills it: what was acknowledged before and after is there.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv("METRICS_TEST_DIR"); dir != "" {
		fill(t, dir)
		return
	}
	dir := t.TempDir()
	out, err := asChild(t, dir).Output()
	var before, after int
	if _, serr := fmt.Sscanf(string(out), "before %d\nafter %d\n", &before, &after); serr != nil {
		t.Fatalf("the child said %q (%v)", out, err)
	}
	s := mustOpen(t, dir, start.Add(time.Hour))
	if got := stored(t, s, `max(max_over_time(hits[2h]))`); got != after {
		t.Errorf("the last sample is %d, acknowledged was %d", got, after)
	}
	// Requests before..before+9 were refused and never acknowledged.
	for _, query := range []string{`min(count_over_time(hits{i="0"}[2h]))`, `min(count_over_time(hits{i="49"}[2h]))`} {
		if got := stored(t, s, query); got < after-10 || got > after {
			t.Errorf("%s: %d samples, want %d", query, got, after-10)
		}
	}
	// The series first seen in a refused request are whole, too.
	if got := stored(t, s, `min(count_over_time(hits{i="1999"}[2h]))`); got != 5 {
		t.Errorf("%d samples of a series made while the disk was full, want 5", got)
	}
}

func fill(t *testing.T, dir string) {
	signal.Ignore(syscall.SIGXFSZ) // then a file at its limit behaves as on a full disk
	limit := syscall.Rlimit{}
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	clock := start
	s, err := Open(dir, Options{Now: func() time.Time { clock = clock.Add(time.Second); return clock }})
	if err != nil {
		t.Fatal(err)
	}
	setLimit := func(bytes uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: limit.Max}); err != nil {
			t.Fatal(err)
		}
	}
	setLimit(200_000)
	n := 0
	for err = nil; err == nil && n < 10_000; n++ {
		err = s.AppendSeries(t.Context(), request(n+1, 50))
	}
	before := n - 1
	if pitwall.KindOf(err) != pitwall.Unavailable || !strings.Contains(pitwall.HintOf(err), "disk") {
		t.Fatalf("a full disk gave %v (%s)", err, pitwall.KindOf(err))
	}
	for range 9 { // wide ones, so that a record breaks in its middle
		n++
		if err := s.AppendSeries(t.Context(), request(n, 2000)); pitwall.KindOf(err) != pitwall.Unavailable {
			t.Fatalf("still full: %v", err)
		}
	}
	if h := s.Health()[0]; h.Up || h.Message == "" {
		t.Fatalf("health of a full disk: %+v", h)
	}
	if got := stored(t, s, `max(max_over_time(hits{i="0"}[2h]))`); got < before {
		t.Fatalf("queries see %d, acknowledged is %d", got, before)
	}
	setLimit(limit.Cur)
	for range 5 {
		n++
		if err := s.AppendSeries(t.Context(), request(n, 2000)); err != nil {
			t.Fatalf("with room again: %v", err)
		}
	}
	if h := s.Health()[0]; !h.Up {
		t.Fatalf("health with room again: %+v", h)
	}
	fmt.Printf("before %d\nafter %d\n", before, n)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// TestSmallDisk is the same on a real file system that is full and does not say
// how much room is left, as with a quota.
func TestSmallDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may mount a small disk")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=8m", "none", dir).CombinedOutput(); err != nil {
		t.Skipf("mounting a small disk: %v: %s", err, out)
	}
	defer func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}()
	silent := Options{Now: fixed(start.Add(time.Hour)), room: func(string) (uint64, error) { return 0, errors.ErrUnsupported }}
	s, err := Open(filepath.Join(dir, "metrics"), silent)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ballast := filepath.Join(dir, "ballast")
	if err := s.AppendSeries(t.Context(), request(1, 100)); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	_ = f.Close()
	n := 2
	for err = nil; err == nil && n < 1000; n++ {
		err = s.AppendSeries(t.Context(), request(n, 1000))
	}
	if pitwall.KindOf(err) != pitwall.Unavailable {
		t.Fatalf("a full disk gave %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := s.AppendSeries(t.Context(), request(n, 1000)); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(filepath.Join(dir, "metrics"), silent); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, s, `max(max_over_time(hits{i="999"}[2h]))`); got != n {
		t.Errorf("the last sample is %d, acknowledged was %d", got, n)
	}
	if got := stored(t, s, `min(min_over_time(hits{i="0"}[2h]))`); got != 1 {
		t.Errorf("the first sample is %d, acknowledged was 1", got)
	}
	_ = s.Close()
}
