//go:build unix

package spans

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// written makes a log of five batches in one segment and gives its bytes.
func written(t *testing.T) (dir, file string, data []byte) {
	dir = t.TempDir()
	s := open(t, dir, Options{})
	for n := range 5 {
		add(t, s, requests(n, n+1, "v1", each(time.Second)))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file = segments(t, dir)[0]
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return dir, file, data
}

func TestATornTailIsCut(t *testing.T) {
	_, _, data := written(t)
	size := len(data) / 5
	for cut := 1; cut < size; cut += 7 {
		dir, file, data := written(t)
		if err := os.WriteFile(file, data[:len(data)-cut], 0o640); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, Options{})
		if got := ask(t, s, pitwall.SpanQuery{}).Len(); got != 12 {
			t.Fatalf("cut by %d: %d spans, want those of four batches", cut, got)
		}
		if m := s.Health()[0]; !m.Up || !strings.Contains(m.Message, "torn tail") {
			t.Fatalf("health does not tell of the torn tail: %+v", m)
		}
		add(t, s, requests(7, 8, "v1", each(time.Second)))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir, Options{})
		if got := ask(t, s, pitwall.SpanQuery{}); got.Len() != 15 || s.Position() != 5 || s.Health()[0].Message != "" {
			t.Fatalf("after writing on: %d spans at position %d, %q", got.Len(), s.Position(), s.Health()[0].Message)
		}
		_ = s.Close()
	}
}

func TestDamageInTheMiddleIsSkippedAndTold(t *testing.T) {
	for _, offset := range []int{0, 5, 9, 15, 40} { // magic, length, checksum, position, payload
		dir, file, data := written(t)
		wrong := slices.Clone(data)
		wrong[2*len(data)/5+offset] ^= 0x55
		if err := os.WriteFile(file, wrong, 0o640); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, Options{})
		b := ask(t, s, pitwall.SpanQuery{Service: "checkout"})
		if !slices.Equal(b.RespBytes, []int64{0, 1, 3, 4}) || s.Position() != 5 {
			t.Errorf("offset %d: batches %v up to %d, want all but 2", offset, b.RespBytes, s.Position())
		}
		if m := s.Health()[0].Message; !strings.Contains(m, "damaged bytes in 00000000000000000001.spans") {
			t.Errorf("offset %d: health says %q", offset, m)
		}
	}
}

// asChild runs this test alone in a process of its own.
func asChild(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "SPANS_TEST_ROLE="+role, "SPANS_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestNothingAcknowledgedIsLostToSIGKILL(t *testing.T) {
	if os.Getenv("SPANS_TEST_ROLE") == "append" {
		s := open(t, os.Getenv("SPANS_TEST_DIR"), Options{SegmentBytes: 20_000, Retention: 1000 * time.Hour})
		for n := 0; ; n++ {
			add(t, s, requests(n, n+1, "v1", each(time.Millisecond)))
			fmt.Printf("acknowledged %d\n", n+1)
		}
	}
	dir := t.TempDir()
	acked := 0
	for round := range 3 {
		child := asChild(t, "append", dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		var timer *time.Timer // runs from the first acknowledgement on
		last := 0
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if timer == nil {
				timer = time.AfterFunc(time.Duration(100+97*round)*time.Millisecond, func() { _ = child.Process.Kill() })
			}
			if n, err := strconv.Atoi(strings.TrimPrefix(lines.Text(), "acknowledged ")); err == nil {
				last = n
			}
		}
		_ = child.Wait()
		if timer == nil {
			t.Fatal("the child acknowledged nothing")
		}
		timer.Stop()
		acked += last
	}
	s := open(t, dir, Options{Retention: 1000 * time.Hour})
	got := ask(t, s, pitwall.SpanQuery{Service: "checkout"}).Len()
	// At most one batch a round was written without its acknowledgement being read.
	if got < acked || got > acked+3 {
		t.Errorf("%d batches acknowledged over three kills, %d found", acked, got)
	}
	if m := s.Health()[0].Message; strings.Contains(m, "damaged") {
		t.Error(m)
	}
}

func TestAFullDiskIsAClearErrorAndLeavesNoHalfFrame(t *testing.T) {
	if os.Getenv("SPANS_TEST_ROLE") == "full" {
		signal.Ignore(syscall.SIGXFSZ) // then a file at its size limit behaves as on a full disk
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 5000, Max: 5000}); err != nil {
			t.Fatal(err)
		}
		s := open(t, os.Getenv("SPANS_TEST_DIR"), Options{})
		for n := 0; ; n++ {
			err := s.AppendSpans(t.Context(), requests(n, n+1, "v1", each(time.Second)))
			if err == nil && n < 1000 {
				continue
			}
			h := s.Health()[0]
			if pitwall.KindOf(err) != pitwall.Unavailable || pitwall.HintOf(err) == "" || h.Up || h.Rejected != 3 || s.Position() != uint64(n) {
				t.Fatalf("error %v, health %+v, position %d after %d batches", err, h, s.Position(), n)
			}
			fmt.Printf("acknowledged %d\n", n)
			return
		}
	}
	dir := t.TempDir()
	out, err := asChild(t, "full", dir).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var acked int
	if _, err := fmt.Sscanf(string(out), "acknowledged %d", &acked); err != nil || acked == 0 {
		t.Fatalf("child said %q", out)
	}
	s := open(t, dir, Options{})
	if got := ask(t, s, pitwall.SpanQuery{Service: "checkout"}).Len(); got != acked || s.Health()[0].Message != "" {
		t.Errorf("%d batches acknowledged, %d found, health %q", acked, got, s.Health()[0].Message)
	}
}
