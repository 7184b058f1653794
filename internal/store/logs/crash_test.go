//go:build unix

package logs

import (
	"bufio"
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
func asChild(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "LOGS_TEST_ROLE="+role, "LOGS_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

// TestNothingAcknowledgedIsLostToSIGKILL kills a process that appends, and makes
// blocks all the while, in the middle of it.
func TestNothingAcknowledgedIsLostToSIGKILL(t *testing.T) {
	keep := Options{MemoryBytes: 100_000, Retention: 1000 * time.Hour}
	if os.Getenv("LOGS_TEST_ROLE") == "append" {
		s := open(t, os.Getenv("LOGS_TEST_DIR"), keep)
		from, _ := strconv.Atoi(os.Getenv("LOGS_TEST_FROM"))
		for n := from; ; n++ {
			add(t, s, records(n*10, 10)...)
			fmt.Printf("acknowledged %d\n", n)
		}
	}
	dir := t.TempDir()
	var acked []int
	for round := range 3 {
		child := asChild(t, "append", dir)
		child.Env = append(child.Env, fmt.Sprint("LOGS_TEST_FROM=", round*100_000))
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		var timer *time.Timer
		before := len(acked)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if n, err := strconv.Atoi(strings.TrimPrefix(lines.Text(), "acknowledged ")); err == nil {
				acked = append(acked, n)
			}
			if timer == nil { // a machine may be slow to start it
				timer = time.AfterFunc(time.Duration(250+97*round)*time.Millisecond, func() { _ = child.Process.Kill() })
			}
		}
		_ = child.Wait()
		if len(acked) == before {
			t.Fatal("the child acknowledged nothing")
		}
	}
	s := open(t, dir, keep)
	count := map[pitwall.TraceID]int{}
	for round := range 3 { // a round lies in a period of its own
		from := round * 1_000_000
		for _, p := range []int{0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000} {
			q := pitwall.LogQuery{Limit: 10_000, Period: pitwall.Period{From: at(time.Duration(from+p) * time.Second), To: at(time.Duration(from+p+10_000) * time.Second)}}
			for _, r := range ask(t, s, q) {
				count[r.Trace]++
			}
		}
	}
	for _, n := range acked {
		for k := n * 10; k < n*10+10; k++ {
			if k%1_000_000 < 70_000 && count[traceOf(k)] != 1 {
				t.Fatalf("record %d of an acknowledged batch is there %d times", k, count[traceOf(k)])
			}
		}
	}
	if extra := len(count) - 10*len(acked); extra > 30 { // a batch a round may have been written and not heard of
		t.Errorf("%d records more than acknowledged", extra)
	}
	total := int64(0)
	for _, p := range patterns(t, s, pitwall.LogQuery{}) {
		total += p.Count
	}
	if want := int64(10 * len(acked)); total < want || total > want+30 {
		t.Errorf("%d records are counted, %d were acknowledged", total, want)
	}
	if m := s.Health()[0].Message; strings.Contains(m, "damaged") || strings.Contains(m, ".logs") {
		t.Error(m)
	}
	t.Logf("%d batches acknowledged over three kills, %d blocks", len(acked), len(files(t, dir, extension)))
}

func TestATornTailIsCut(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	for n := range 5 {
		add(t, s, records(n, 1)...)
	}
	shut(t, s)
	file := files(t, filepath.Join(dir, "wal"), ".wal")[0]
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data[:len(data)-3], 0o640); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	if got, m := len(ask(t, s, everything)), s.Health()[0]; got != 4 || !m.Up || !strings.Contains(m.Message, "torn tail") {
		t.Errorf("%d records, health %+v", got, m)
	}
	shut(t, s)
	data[len(data)/2] ^= 0x55
	if err := os.WriteFile(file, data, 0o640); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	if got, m := len(ask(t, s, everything)), s.Health()[0]; got != 4 || !strings.Contains(m.Message, "damaged bytes in 00000000000000000001.wal") {
		t.Errorf("%d records, health %+v", got, m)
	}
}

// TestAFullDisk: a clear error, nothing half written, and all goes on when
// there is room again. A file at its size limit behaves as on a full disk.
func TestAFullDisk(t *testing.T) {
	limit := func(bytes uint64) {
		var l syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			t.Fatal(err)
		}
		l.Cur = min(bytes, l.Max)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			t.Fatal(err)
		}
	}
	if os.Getenv("LOGS_TEST_ROLE") == "full" {
		signal.Ignore(syscall.SIGXFSZ)
		limit(20_000)
		s := open(t, os.Getenv("LOGS_TEST_DIR"), Options{MemoryBytes: 1 << 20})
		n := 0
		var err error
		for ; err == nil && n < 10_000; n++ {
			err = s.AppendLogs(t.Context(), &pitwall.LogBatch{Delivery: uint64(n) + 1, Records: records(n*10, 10)})
		}
		n--
		h := s.Health()[0]
		if pitwall.KindOf(err) != pitwall.Unavailable || pitwall.HintOf(err) == "" || h.Up || h.Rejected != 10 {
			t.Fatalf("error %v, health %+v after %d batches", err, h, n)
		}
		limit(1 << 40)
		if err := s.AppendLogs(t.Context(), &pitwall.LogBatch{Delivery: uint64(n) + 1, Records: records(n*10, 10)}); err != nil || !s.Health()[0].Up {
			t.Fatalf("with room again: %v, %+v", err, s.Health()[0])
		}
		shut(t, s)
		limit(500) // a block is larger
		s = open(t, s.dir, Options{MemoryBytes: 1})
		s.upkeep()
		if h := s.Health()[0]; h.Up || !strings.Contains(h.Message, "writing a block of logs") || len(files(t, s.dir, unfinished)) != 0 {
			t.Fatalf("a block without room: %+v, left %v", h, files(t, s.dir, unfinished))
		}
		if err := s.AppendLogs(t.Context(), &pitwall.LogBatch{Records: records(0, 1)}); pitwall.KindOf(err) != pitwall.Unavailable || !strings.Contains(err.Error(), "block of logs") {
			t.Fatalf("appending to a head that cannot be emptied: %v", err)
		}
		limit(1 << 40)
		s.upkeep()
		if h := s.Health()[0]; len(s.view().blocks) != 1 {
			t.Fatalf("with room again: %+v", h)
		}
		fmt.Printf("acknowledged %d\n", n+1)
		return
	}
	dir := t.TempDir()
	out, err := asChild(t, "full", dir).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var acked int
	if _, err := fmt.Sscanf(string(out), "acknowledged %d", &acked); err != nil || acked < 2 {
		t.Fatalf("child said %q", out)
	}
	s := open(t, dir, Options{})
	if got := len(ask(t, s, everything)); got != acked*10 || s.Health()[0].Message != "" {
		t.Errorf("%d batches acknowledged, %d records found, health %q", acked, got, s.Health()[0].Message)
	}
}
