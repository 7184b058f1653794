package profiles

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

var (
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ctx   = context.Background()
)

func mustOpen(t *testing.T, dir string, o Options) *Store {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return start }
	}
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// window is a five-second window that begins so long before start.
func window(ago time.Duration, service, version, data string) pitwall.ProfileWindow {
	from := start.Add(-ago)
	return pitwall.ProfileWindow{
		Service: pitwall.ServiceName(service), Version: pitwall.Version(version), Instance: "i-1", Type: pitwall.ProfileCPU,
		Period: pitwall.Period{From: from, To: from.Add(5 * time.Second)}, Requests: 500, Data: []byte(data),
	}
}

func mustAppend(t *testing.T, s *Store, ws ...pitwall.ProfileWindow) {
	t.Helper()
	for _, w := range ws {
		if err := s.AppendProfile(ctx, w); err != nil {
			t.Fatal(err)
		}
	}
}

func contents(t *testing.T, s *Store, q pitwall.ProfileQuery) string {
	t.Helper()
	ws, err := s.Profiles(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, w := range ws {
		all = append(all, string(w.Data))
	}
	return strings.Join(all, " ")
}

func TestAppendAndAsk(t *testing.T) {
	s := mustOpen(t, t.TempDir(), Options{})
	alloc := window(20*time.Second, "checkout", "v1", "alloc")
	alloc.Type = pitwall.ProfileAlloc
	second := window(20*time.Second, "checkout", "v1", "b")
	mustAppend(t, s, second, window(30*time.Second, "checkout", "v1", "a"), window(10*time.Second, "checkout", "v2", "c"),
		window(20*time.Second, "edge", "v1", "x"), alloc)
	period := func(from, to int) pitwall.Period {
		return pitwall.Period{From: start.Add(time.Duration(from) * time.Second), To: start.Add(time.Duration(to) * time.Second)}
	}
	f := func(q pitwall.ProfileQuery, want string) {
		t.Helper()
		if got := contents(t, s, q); got != want {
			t.Errorf("%+v gave %q, want %q", q, got, want)
		}
	}
	cpu := pitwall.ProfileQuery{Service: "checkout", Type: pitwall.ProfileCPU}
	f(cpu, "a b c") // oldest first, whatever the order of arrival
	f(pitwall.ProfileQuery{Service: "checkout", Version: "v2"}, "c")
	f(pitwall.ProfileQuery{Service: "checkout", Type: pitwall.ProfileAlloc}, "alloc")
	f(pitwall.ProfileQuery{Service: "nobody"}, "")
	cpu.Period = period(-30, -15)
	f(cpu, "a b") // both ends lie inside
	cpu.Period = period(-29, -15)
	f(cpu, "b")
	cpu.Period = period(-30, -16)
	f(cpu, "a")

	got, err := s.Profiles(ctx, pitwall.ProfileQuery{Service: "checkout", Version: "v1", Type: pitwall.ProfileCPU, Period: period(-20, -15)})
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if d := cmp.Diff(second, got[0]); d != "" {
		t.Errorf("window (-stored +read):\n%s", d)
	}
}

func TestRefuses(t *testing.T) {
	s := mustOpen(t, t.TempDir(), Options{})
	backwards := window(0, "checkout", "v1", "x")
	backwards.Period.To = backwards.Period.From
	for _, w := range []pitwall.ProfileWindow{window(0, "", "v1", "x"), window(0, "checkout", "v1", ""), backwards} {
		if err := s.AppendProfile(ctx, w); pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%+v: %v, want invalid", w, err)
		}
	}
	if h := s.Health()[0]; h.Rejected != 3 || h.Accepted != 0 || h.Message == "" || h.Blind == "" {
		t.Errorf("health %+v", h)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.AppendProfile(ctx, window(0, "checkout", "v1", "x")); pitwall.KindOf(err) != pitwall.Unavailable {
		t.Errorf("append after close: %v", err)
	}
	if _, err := s.Profiles(ctx, pitwall.ProfileQuery{}); pitwall.KindOf(err) != pitwall.Unavailable {
		t.Errorf("read after close: %v", err)
	}
	if _, err := Open(t.TempDir(), Options{MaxBytes: -1}); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("negative bound: %v", err)
	}
}

func TestReopenAfterTornWrites(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, Options{})
	mustAppend(t, s, window(30*time.Second, "checkout", "v1", "a"), window(20*time.Second, "checkout", "v1", "b"), window(10*time.Second, "checkout", "v1", "c"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// The last line is torn, a line in the middle is garbage, and a file has no line.
	index := filepath.Join(dir, indexName)
	raw, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(raw, []byte("\n"))
	broken := bytes.Join([][]byte{lines[0], []byte("{\"file\":\n"), lines[1], lines[2][:len(lines[2])/2]}, nil)
	if err := os.WriteFile(index, broken, 0o644); err != nil {
		t.Fatal(err)
	}
	orphan := filepath.Join(dir, "000000000099.pb.gz")
	if err := os.WriteFile(orphan, []byte("orphan"), 0o644); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, dir, Options{})
	if got := contents(t, s, pitwall.ProfileQuery{}); got != "a b" {
		t.Errorf("after reopening %q, want %q", got, "a b")
	}
	if _, err := os.Stat(orphan); !os.IsNotExist(err) {
		t.Errorf("the orphan is still there: %v", err)
	}
	mustAppend(t, s, window(5*time.Second, "checkout", "v1", "d"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, mustOpen(t, dir, Options{}), pitwall.ProfileQuery{}); got != "a b d" {
		t.Errorf("after appending and reopening %q, want %q", got, "a b d")
	}
}

func TestRetention(t *testing.T) {
	dir, now := t.TempDir(), start
	clock := func() time.Time { return now }
	s := mustOpen(t, dir, Options{Retention: time.Minute, MaxBytes: 30, Now: clock})
	mustAppend(t, s, window(50*time.Second, "checkout", "v1", "0123456789"), window(40*time.Second, "checkout", "v1", "1123456789"), window(30*time.Second, "checkout", "v1", "2123456789"))
	if got := len(strings.Fields(contents(t, s, pitwall.ProfileQuery{}))); got != 3 {
		t.Fatalf("%d windows kept, want 3", got)
	}
	mustAppend(t, s, window(20*time.Second, "checkout", "v1", "3123456789"))
	if got := contents(t, s, pitwall.ProfileQuery{}); got != "1123456789 2123456789 3123456789" {
		t.Errorf("by bytes: %q, want the three youngest", got)
	}
	now = start.Add(31 * time.Second) // the window of 40 s ago ended 66 s ago
	mustAppend(t, s, window(-10*time.Second, "checkout", "v1", "4"))
	if got := contents(t, s, pitwall.ProfileQuery{}); got != "2123456789 3123456789 4" {
		t.Errorf("by age: %q", got)
	}
	_ = s.Close()
	now = start.Add(time.Hour)
	if got := contents(t, mustOpen(t, dir, Options{Retention: time.Minute, Now: clock}), pitwall.ProfileQuery{}); got != "" {
		t.Errorf("opened an hour later: %q, want nothing", got)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*"+suffix)); len(files) > 0 {
		t.Errorf("files left: %v", files)
	}
}

// TestIndexStaysSmall turns the store over many times and looks at the index.
func TestIndexStaysSmall(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, Options{MaxBytes: 10})
	for i := range 3 * slack {
		mustAppend(t, s, window(time.Duration(3*slack-i)*time.Second, "checkout", "v1", "0123456789"))
	}
	raw, err := os.ReadFile(filepath.Join(dir, indexName))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(raw, []byte("\n")); n > slack+2 {
		t.Errorf("index has %d lines for one window", n)
	}
	_ = s.Close()
	if got := contents(t, mustOpen(t, dir, Options{}), pitwall.ProfileQuery{}); got != "0123456789" {
		t.Errorf("reopened: %q", got)
	}
}

func TestConcurrent(t *testing.T) {
	s := mustOpen(t, t.TempDir(), Options{MaxBytes: 200})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 50 {
				if err := s.AppendProfile(ctx, window(time.Duration(i)*time.Second, fmt.Sprint("s", g), "v1", "0123456789")); err != nil {
					t.Error(err)
				}
				if _, err := s.Profiles(ctx, pitwall.ProfileQuery{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := len(strings.Fields(contents(t, s, pitwall.ProfileQuery{}))); got != 20 {
		t.Errorf("%d windows kept, want 20", got)
	}
}

// TestKill kills a child process that appends as fast as it can; every window it
// has reported must be there afterwards.
func TestKill(t *testing.T) {
	if dir := os.Getenv("PITWALL_PROFILES_CHILD"); dir != "" {
		s := mustOpen(t, dir, Options{})
		for i := 0; ; i++ {
			mustAppend(t, s, window(time.Minute, "checkout", "v1", fmt.Sprint(i)))
			_, _ = os.Stdout.WriteString(".")
		}
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), "PITWALL_PROFILES_CHILD="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, rerr := io.ReadFull(out, make([]byte, 200))
	_ = cmd.Process.Kill()
	more, _ := io.ReadAll(out)
	_ = cmd.Wait()
	if rerr != nil {
		t.Fatalf("child: %v", rerr)
	}
	reported := 200 + len(more)
	got := strings.Fields(contents(t, mustOpen(t, dir, Options{}), pitwall.ProfileQuery{}))
	if len(got) < reported || len(got) > reported+1 || got[reported-1] != fmt.Sprint(reported-1) {
		t.Errorf("%d windows after the kill, %d reported", len(got), reported)
	}
}
