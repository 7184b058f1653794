package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
)

// recordedAt are six windows a side of a service whose main.stepRe doubled.
func recordedAt(factor string) string {
	return filepath.Join("..", "prof", "testdata", "w*_f"+factor+"_*.pb.gz")
}

// TestProfileDiffNames: the sides in words, per request, the culprit first, the
// same bytes every time, and an exit code that says something grew.
func TestProfileDiffNames(t *testing.T) {
	s := run(t, "profile", "diff", "--base", recordedAt("1.0"), "--head", recordedAt("2.0"))
	s.wants(t, 1, "changed: main.stepRe first", "before → after, per request: 6 windows with 9", "requests before, 6 windows with 8", "regexp", "grew")
	if again := run(t, "profile", "diff", "--base", recordedAt("1.0"), "--head", recordedAt("2.0")); again.out != s.out {
		t.Error("the second run prints something else")
	}
	back := run(t, "profile", "diff", "--base", recordedAt("2.0"), "--head", recordedAt("1.0"))
	back.wants(t, 0, "changed: main.stepRe first", "shrank")
	var v struct {
		Schema string
		Diff   struct {
			pitwall.FlameDiff
			Verdict prof.Verdict
			Sight   prof.Sight
		}
	}
	j := run(t, "profile", "diff", "--base", recordedAt("1.0"), "--head", recordedAt("2.0"), "-o", "json")
	j.wants(t, 1)
	if err := json.Unmarshal([]byte(j.out), &v); err != nil {
		t.Fatal(err)
	}
	d := v.Diff
	if v.Schema != "pitwall.profile-diff/1" || d.Frames[0].Name != "main.stepRe" || !d.Frames[0].Significant || len(d.Tree) < 10 || d.Tree[0].Name != prof.Whole ||
		d.Verdict.Answer != prof.Changed || d.Sight.Least <= 0 || d.Unit != pitwall.UnitCPUPerReq {
		t.Errorf("%+v", v)
	}
}

// TestProfileDiffIsHonest: what cannot be told is exit code 3, with the windows
// that are missing.
func TestProfileDiffIsHonest(t *testing.T) {
	few := func(n int, factor string) string {
		return filepath.Join("..", "prof", "testdata", fmt.Sprintf("w0[0-%d]_f%s_*.pb.gz", n-1, factor))
	}
	run(t, "profile", "diff", "--base", few(3, "1.0"), "--head", few(3, "2.0")).wants(t, 3, "inconclusive: main.stepRe moved by", "more windows a side would settle it")
	run(t, "profile", "diff", "--base", few(2, "1.0"), "--head", few(2, "2.0")).wants(t, 3, "too few for a test")
	run(t, "profile", "diff", "--base", few(3, "1.0"), "--head", filepath.Join("..", "prof", "testdata", "w0[345]_f1.0_*.pb.gz")).wants(t, 3, "inconclusive: nothing stands out", "to see a function of 5 % of the profile grow by 30 %")
}

// TestProfileDiffRefuses: every complaint says what, where and what next.
func TestProfileDiffRefuses(t *testing.T) {
	dir := t.TempDir()
	torn := filepath.Join(dir, "torn.pb.gz")
	if err := os.WriteFile(torn, []byte("<html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(want string, args ...string) {
		t.Helper()
		run(t, append([]string{"profile", "diff"}, args...)...).wants(t, 2, want)
	}
	good := recordedAt("1.0")
	f("give --base (before) and --head (after)", "--base", good)
	f("quote patterns", "--base", good, "--head", good, good)
	f("no such file or folder", "--base", filepath.Join(dir, "none"), "--head", good)
	f("no profile there", "--base", filepath.Join(dir, "*.pprof"), "--head", good)
	f("torn.pb.gz", "--base", dir, "--head", good)
	f("not what a alloc profile counts", "--base", good, "--head", good, "--type", "alloc")
	f(`--type "cpus"`, "--base", good, "--head", good, "--type", "cpus")
	f("2 counts for 6 files", "--base", good, "--head", good, "--requests-base", "5,6")
	f("no number of requests above 0", "--base", good, "--head", good, "--requests-head", "1,2,3,4,5,0")
	f("either --case", "--case", dir, "--base", good)
	f("--part 2", "--base", good, "--head", good, "--part", "2")
}

// mutexScrape is a mutex profile as /debug/pprof/mutex answers: all since the start.
func mutexScrape(t *testing.T, dir, name string, at int64, seconds float64) {
	t.Helper()
	p := &prof.Profile{Type: pitwall.ProfileMutex, Quantum: 0.001, Stacks: []prof.Stack{
		{Frames: []string{"sync.(*Mutex).Unlock", "main.reserve", "main.main"}, Value: seconds},
		{Frames: []string{"sync.(*Mutex).Unlock", "main.other", "main.main"}, Value: float64(at) / 100},
	}}
	when := time.Unix(at, 0)
	data, err := prof.Encode(p, pitwall.Period{From: when, To: when})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestProfileDiffSubtracts: profiles since the start are subtracted in order of
// time, a restart is left out and told, and the figures are per request.
func TestProfileDiffSubtracts(t *testing.T) {
	before, after := t.TempDir(), t.TempDir()
	held, requests := 100.0, "1000"
	for i := range int64(6) {
		held += 0.1 + 0.01*float64(i%2)
		mutexScrape(t, before, fmt.Sprintf("%d.pb.gz", i), 1000+10*i, held)
	}
	held = 0
	for i := range int64(7) {
		held += 1 + 0.1*float64(i%2)
		if i == 3 {
			held = 0.5 // it started anew
		}
		mutexScrape(t, after, fmt.Sprintf("%d.pb.gz", 9-i), 2000+10*i, held) // names out of order
	}
	counts := func(n int) string { return strings.TrimSuffix(strings.Repeat(requests+",", n), ",") }
	s := run(t, "profile", "diff", "--base", before, "--head", after, "--type", "mutex", "--requests-base", counts(6), "--requests-head", counts(7))
	s.wants(t, 1, "changed: main.reserve first", "5 windows with 5000 requests before, 5 windows with 5000 requests after", "time others waited for locks")
	if !strings.Contains(s.errout, "started anew between 6.pb.gz and 7.pb.gz") && !strings.Contains(s.errout, "started anew between 7.pb.gz and 6.pb.gz") {
		t.Errorf("the restart is not told: %q", s.errout)
	}
	run(t, "profile", "diff", "--base", before, "--head", after).wants(t, 2, "--type mutex or --type block")
}

// TestProfileDiffCase: the baseline of a recorded case against its window, with
// the requests its index knows.
func TestProfileDiffCase(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "profiles"), 0o700); err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 6, 20, 10, 0, 0, 0, time.UTC)
	var list []map[string]any
	for side, factor := range []string{"1.0", "2.0"} {
		names, err := filepath.Glob(recordedAt(factor))
		if err != nil || len(names) != 6 {
			t.Fatal(names, err)
		}
		for i, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			file, from := fmt.Sprintf("profiles/%s-%d.pb.gz", factor, i), start.Add(time.Duration(side)*time.Hour+time.Duration(i)*time.Minute)
			if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
				t.Fatal(err)
			}
			list = append(list, map[string]any{"file": file, "service": "cart", "version": factor, "type": "cpu", "from": from, "to": from.Add(time.Second), "requests": 1500})
		}
	}
	write := func(name string, v any) {
		var b bytes.Buffer
		if err := json.NewEncoder(&b).Encode(v); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	period := func(from time.Time) map[string]any { return map[string]any{"from": from, "to": from.Add(time.Hour)} }
	write("profiles.json", list)
	write("case.json", map[string]any{"schema": "pitwall.case/1", "id": filepath.Base(dir), "baseline": period(start), "window": period(start.Add(time.Hour)),
		"question": map[string]any{"service": "cart", "sli": "latency", "alert_at": start.Add(90 * time.Minute)}})
	run(t, "profile", "diff", "--case", dir).wants(t, 1, "changed: main.stepRe first", "6 windows with 9000 requests before")
	run(t, "profile", "diff", "--case", dir, "--service", "other").wants(t, 3)
	run(t, "profile", "diff", "--base", filepath.Join(dir, "profiles", "1.0*"), "--head", filepath.Join(dir, "profiles", "2.0*")).wants(t, 1, "6 windows with 9000 requests after")
}
