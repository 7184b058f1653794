package profiles

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

func child(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "PITWALL_PROFILES_CHILD="+dir)
	return cmd
}

// TestKillInMidWrite kills a child again and again while it writes windows so
// large that most of its life is the middle of one. What it reported is there and
// whole; what it did not has left nothing.
func TestKillInMidWrite(t *testing.T) {
	const size = 4 << 20
	if dir := os.Getenv("PITWALL_PROFILES_CHILD"); dir != "" {
		s := mustOpen(t, dir, Options{})
		for i := s.next; ; i++ {
			mustAppend(t, s, window(time.Duration(i)*time.Second, "checkout", "v1", strings.Repeat(fmt.Sprint(i%10), size)))
			fmt.Println(i)
		}
	}
	dir, reported, orphans := t.TempDir(), 0, 0
	for round := range 6 {
		cmd := child(t, dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		before := filesOf(dir)
		for end := time.Now().Add(30 * time.Second); filesOf(dir) < before+2; { // the second is begun: kill it now
			if time.Now().After(end) {
				_ = cmd.Process.Kill()
				t.Fatal("the child writes nothing")
			}
			time.Sleep(100 * time.Microsecond)
		}
		_ = cmd.Process.Kill()
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			reported++
		}
		_ = cmd.Wait()
		had := filesOf(dir)
		s := mustOpen(t, dir, Options{})
		ws, err := s.Profiles(ctx, pitwall.ProfileQuery{})
		if err != nil {
			t.Fatal(err)
		}
		if len(ws) < reported || len(ws) > reported+round+1 {
			t.Fatalf("round %d: %d windows, %d reported", round, len(ws), reported)
		}
		for _, w := range ws {
			if len(w.Data) != size || len(bytes.Trim(w.Data, "0123456789")) != 0 {
				t.Fatalf("a window of %d bytes, torn", len(w.Data))
			}
		}
		if left := filesOf(dir); left != len(ws) {
			t.Fatalf("%d files of %d windows", left, len(ws))
		}
		orphans += had - len(ws)
		_ = s.Close()
	}
	t.Logf("%d windows reported; %d kills left a file without a line", reported, orphans)
}

func filesOf(dir string) int {
	files, _ := filepath.Glob(filepath.Join(dir, "*"+suffix))
	return len(files)
}

// TestFullDisk lets a child write until no file may grow: a refusal that says so,
// nothing half stored, and all well again when there is room.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv("PITWALL_PROFILES_CHILD"); dir != "" {
		fill(t, dir)
		return
	}
	dir := t.TempDir()
	if out, err := child(t, dir).CombinedOutput(); err == nil || !strings.Contains(string(out), "done") {
		t.Fatalf("the child said %s (%v)", out, err)
	}
	s := mustOpen(t, dir, Options{})
	got := strings.Fields(contents(t, s, pitwall.ProfileQuery{}))
	if len(got) < 3 || got[len(got)-1] != "after" {
		t.Errorf("%d windows, the last %.20q", len(got), got[len(got)-1])
	}
	for _, g := range got {
		if strings.HasPrefix(g, "refused") {
			t.Errorf("%.20q was refused and is there", g)
		}
	}
	if left := filesOf(dir); left != len(got) {
		t.Errorf("%d files of %d windows", left, len(got))
	}
}

func fill(t *testing.T, dir string) {
	signal.Ignore(syscall.SIGXFSZ) // then a file at its limit behaves as on a full disk
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	room := func(bytes uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: limit.Max}); err != nil {
			t.Fatal(err)
		}
	}
	s := mustOpen(t, dir, Options{})
	refused := func(data string) {
		t.Helper()
		err := s.AppendProfile(ctx, window(5*time.Second, "checkout", "v1", data))
		if pitwall.KindOf(err) != pitwall.Unavailable || !strings.Contains(pitwall.HintOf(err), "disk") {
			t.Fatalf("a full disk gave %v", err)
		}
		if h := s.Health()[0]; h.Up || h.Message == "" {
			t.Fatalf("health of a full disk: %+v", h)
		}
	}
	mustAppend(t, s, window(50*time.Second, "checkout", "v1", "before"))
	room(1000)
	refused("refused" + strings.Repeat("x", 2000)) // in the middle of its file
	for i := 0; ; i++ {                            // until the index is full in the middle of a line
		if err := s.AppendProfile(ctx, window(40*time.Second, "checkout", "v1", fmt.Sprint("small", i))); err != nil {
			break
		}
	}
	refused("refused")
	room(limit.Cur)
	mustAppend(t, s, window(2*time.Second, "checkout", "v1", "after"))
	if h := s.Health()[0]; !h.Up {
		t.Fatalf("health with room again: %+v", h)
	}
	fmt.Println("done")
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}
