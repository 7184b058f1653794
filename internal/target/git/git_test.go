package git_test

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/target/git"
)

func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// sh runs git as a person would.
func sh(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=Ada", "-c", "user.email=ada@example.org"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// repo makes a repository with a first commit and opens it.
func repo(t *testing.T, forward bool) (*git.Repo, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a repo")
	if err := git.Init(t.Context(), dir, now()); err != nil {
		t.Fatal(err)
	}
	return open(t, dir, forward), dir
}

func open(t *testing.T, dir string, forward bool) *git.Repo {
	t.Helper()
	r, err := git.Open(t.Context(), dir, git.Options{FastForward: forward, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func files(limit string) []pitwall.EnforcedFile {
	return []pitwall.EnforcedFile{
		{Kind: pitwall.EnforcedGate, Path: "gates/inventory.yaml", Content: "median: 8000\nlimit: " + limit + "\n"},
		{Kind: pitwall.EnforcedRunbook, Path: "runbooks/größe.md", Content: "# no line end"},
	}
}

func deliver(t *testing.T, r *git.Repo, plan pitwall.PlanID, f []pitwall.EnforcedFile) pitwall.EnforcedData {
	t.Helper()
	d, err := r.Deliver(t.Context(), plan, string(plan)+": lock the door\n\nhttp://x/plans/"+string(plan), f)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDeliverOnABranch(t *testing.T) {
	r, dir := repo(t, false)
	write(t, dir, "dirty.txt", "a person's work")
	before := sh(t, dir, "status", "--porcelain") + sh(t, dir, "rev-parse", "main")
	first := deliver(t, r, "PIP-1", files("16000"))
	if first.Branch != "pitwall/PIP-1" || first.Commit != sh(t, dir, "rev-parse", "pitwall/PIP-1") {
		t.Errorf("got %+v", first)
	}
	if got := sh(t, dir, "log", "-1", "--format=%an <%ae> %cI%n%B", "pitwall/PIP-1"); got !=
		"Pitwall <pitwall@localhost> 2026-03-01T12:00:00+00:00\nPIP-1: lock the door\n\nhttp://x/plans/PIP-1\n\nPitwall-Plan: PIP-1" {
		t.Errorf("commit: %s", got)
	}
	want := "@@ -0,0 +1,2 @@\n+median: 8000\n+limit: 16000\n"
	if d := first.Files[0].Diff; !strings.Contains(d, "--- /dev/null\n+++ b/gates/inventory.yaml\n"+want) || first.Files[0].Commit != first.Commit {
		t.Errorf("diff:\n%s", d)
	}
	if d := first.Files[1].Diff; !strings.Contains(d, "+# no line end\n\\ No newline at end of file\n") {
		t.Errorf("diff:\n%s", d)
	}
	again := deliver(t, open(t, dir, false), "PIP-1", files("16000"))
	if d := cmp.Diff(first, again); d != "" {
		t.Errorf("the second delivery differs:\n%s", d)
	}
	if after := sh(t, dir, "status", "--porcelain") + sh(t, dir, "rev-parse", "main"); after != before {
		t.Errorf("work tree or main were touched: %s, before %s", after, before)
	}
	// Changed files: a second commit; the untouched file keeps its first one.
	next := deliver(t, r, "PIP-1", files("20000"))
	if next.Files[1].Commit != first.Commit || next.Files[0].Commit != next.Commit || !strings.Contains(next.Files[0].Diff, "-limit: 16000\n+limit: 20000\n") {
		t.Errorf("got %+v", next)
	}
	for path, want := range map[string]string{"gates/inventory.yaml": "median: 8000\nlimit: 20000\n", "runbooks/größe.md": "# no line end"} {
		if got, err := r.Read(t.Context(), path); got != want || err != nil {
			t.Errorf("read %s: %q, %v", path, got, err)
		}
	}
	if _, err := r.Read(t.Context(), "gates/none.yaml"); pitwall.KindOf(err) != pitwall.NotFound {
		t.Errorf("got %v", err)
	}
	if _, err := r.Read(t.Context(), "../x"); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestFastForward(t *testing.T) {
	r, dir := repo(t, true)
	write(t, dir, "notes.txt", "a person's work")
	write(t, dir, "staged.txt", "staged")
	sh(t, dir, "add", "staged.txt")
	first := deliver(t, r, "PIP-1", files("16000"))
	if first.Branch != "main" || sh(t, dir, "rev-parse", "HEAD") != first.Commit {
		t.Errorf("main was not moved: %+v", first)
	}
	if got := sh(t, dir, "status", "--porcelain"); got != "A  staged.txt\n?? notes.txt" {
		t.Errorf("status: %s", got)
	}
	text, err := os.ReadFile(filepath.Join(dir, "gates/inventory.yaml"))
	if err != nil || string(text) != files("16000")[0].Content {
		t.Errorf("work tree has %q, %v", text, err)
	}
	// Main moves on by a person; the delivered commit stays what it was.
	sh(t, dir, "commit", "-qam", "mine")
	if d := cmp.Diff(first, deliver(t, r, "PIP-1", files("16000"))); d != "" {
		t.Errorf("second delivery:\n%s", d)
	}
	// Another plan starts from the new main and goes on.
	second := deliver(t, r, "PIP-2", files("30000"))
	if second.Branch != "main" || sh(t, dir, "rev-parse", "HEAD~2") != first.Commit {
		t.Errorf("got %+v", second)
	}
	// The branch was deleted after the merge: nothing is made anew.
	sh(t, dir, "branch", "-D", "pitwall/PIP-2")
	if d := cmp.Diff(second, deliver(t, r, "PIP-2", files("30000"))); d != "" {
		t.Errorf("after the branch is gone:\n%s", d)
	}
}

func TestAPersonsWorkStops(t *testing.T) {
	f := func(name string, prepare func(dir string)) {
		t.Run(name, func(t *testing.T) {
			r, dir := repo(t, true)
			deliver(t, r, "PIP-1", files("16000"))
			prepare(dir)
			head, status := sh(t, dir, "rev-parse", "main"), sh(t, dir, "status", "--porcelain")
			d := deliver(t, r, "PIP-2", files("99000"))
			if d.Branch != "pitwall/PIP-2" || sh(t, dir, "rev-parse", "main") != head || sh(t, dir, "status", "--porcelain") != status {
				t.Errorf("main or the work tree were touched: %+v", d)
			}
			if got := sh(t, dir, "show", "pitwall/PIP-2:gates/inventory.yaml"); !strings.Contains(got, "99000") {
				t.Errorf("the branch has %q", got)
			}
		})
	}
	f("edited", func(dir string) { write(t, dir, "gates/inventory.yaml", "mine") })
	f("removed", func(dir string) { os.Remove(filepath.Join(dir, "gates/inventory.yaml")) })
	f("staged", func(dir string) {
		write(t, dir, "gates/inventory.yaml", "mine")
		sh(t, dir, "add", ".")
	})
	f("directory is a link", func(dir string) {
		os.Rename(filepath.Join(dir, "gates"), filepath.Join(dir, "elsewhere"))
		os.Symlink(t.TempDir(), filepath.Join(dir, "gates"))
	})
	f("checked out elsewhere", func(dir string) {
		sh(t, dir, "checkout", "-q", "-b", "mine")
		sh(t, dir, "worktree", "add", "-q", filepath.Join(t.TempDir(), "w"), "main")
	})
	f("branch has a person's commit", func(dir string) {
		sh(t, dir, "checkout", "-q", "-b", "pitwall/PIP-2")
		write(t, dir, "more.txt", "mine")
		sh(t, dir, "add", ".")
		sh(t, dir, "commit", "-qm", "mine")
		sh(t, dir, "checkout", "-q", "main")
	})
}

func TestMainNotCheckedOutAndBare(t *testing.T) {
	_, dir := repo(t, true)
	bare := filepath.Join(t.TempDir(), "bare.git")
	sh(t, dir, "clone", "-q", "--bare", dir, bare)
	if d := deliver(t, open(t, bare, true), "PIP-1", files("1")); d.Branch != "main" || sh(t, bare, "rev-parse", "main") != d.Commit {
		t.Errorf("bare: %+v", d)
	}
	sh(t, dir, "checkout", "-q", "-b", "mine")
	r, err := git.Open(t.Context(), dir, git.Options{Main: "main", FastForward: true, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if d := deliver(t, r, "PIP-1", files("1")); d.Branch != "main" || sh(t, dir, "status", "--porcelain") != "" {
		t.Errorf("other branch checked out: %+v", d)
	}
}

func TestRefusedPathsAndPlans(t *testing.T) {
	r, dir := repo(t, true)
	write(t, dir, "real/x", "x")
	os.Symlink("real", filepath.Join(dir, "link"))
	sh(t, dir, "add", ".")
	sh(t, dir, "commit", "-qm", "a link")
	f := func(plan pitwall.PlanID, paths ...string) {
		t.Helper()
		var list []pitwall.EnforcedFile
		for _, p := range paths {
			list = append(list, pitwall.EnforcedFile{Path: p, Content: "x"})
		}
		if _, err := r.Deliver(t.Context(), plan, "m", list); pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%s %q: %v", plan, paths, err)
		}
	}
	f("PIP-1")
	f("PIP-1", "")
	f("PIP-1", ".")
	f("PIP-1", "/etc/passwd")
	f("PIP-1", "../x")
	f("PIP-1", "a/../../x")
	f("PIP-1", "a//b")
	f("PIP-1", "a/./b")
	f("PIP-1", "a/")
	f("PIP-1", `a\..\b`)
	f("PIP-1", "a\nb")
	f("PIP-1", ".git/config")
	f("PIP-1", "a/.GIT/config")
	f("PIP-1", ".git. /config")
	f("PIP-1", "git~1/config")
	f("PIP-1", "a", "A")
	f("PIP-1", "link/x") // through a link
	f("PIP-1", "link")   // over a link
	f("PIP-1", "real")   // over a directory
	f("PIP-1", "real/x/y")
	f("../main", "a")
	f("a..b", "a")
	f("-x", "a")
	f("x.lock", "a")
	f("", "a")
	if out := sh(t, dir, "branch", "--list", "pitwall/*"); out != "" {
		t.Errorf("branches were made: %s", out)
	}
}

func TestOpenRefuses(t *testing.T) {
	f := func(want pitwall.Kind, dir string) {
		t.Helper()
		if _, err := git.Open(t.Context(), dir, git.Options{Now: now}); pitwall.KindOf(err) != want || pitwall.HintOf(err) == "" {
			t.Errorf("%s: %v", dir, err)
		}
	}
	f(pitwall.NotFound, filepath.Join(t.TempDir(), "none"))
	f(pitwall.Invalid, t.TempDir())
	_, dir := repo(t, false)
	os.Mkdir(filepath.Join(dir, "sub"), 0o755)
	f(pitwall.Invalid, filepath.Join(dir, "sub")) // never a repository further up
	empty := t.TempDir()
	sh(t, empty, "init", "-q", "-b", "main")
	f(pitwall.Invalid, empty)
	if err := git.Init(t.Context(), empty, now()); err != nil { // as after a kill between init and first commit
		t.Fatal(err)
	}
	head := sh(t, empty, "rev-parse", "HEAD")
	if err := git.Init(t.Context(), empty, now().Add(time.Hour)); err != nil || sh(t, empty, "rev-parse", "HEAD") != head {
		t.Errorf("the second Init changed something: %v", err)
	}
}

func TestLeftoverLocks(t *testing.T) {
	r, dir := repo(t, true)
	write(t, dir, ".git/refs/heads/pitwall/PIP-1.lock", "") // ours: cleared
	deliver(t, r, "PIP-1", files("1"))
	write(t, dir, ".git/index.lock", "") // a person's git at work
	for range 2 {
		_, err := r.Deliver(t.Context(), "PIP-2", "m", files("2"))
		if pitwall.KindOf(err) != pitwall.Unavailable || !strings.Contains(pitwall.HintOf(err), "lock file") {
			t.Fatalf("got %v, hint %q", err, pitwall.HintOf(err))
		}
	}
	// Our own git, killed while it wrote the index, leaves a mark and an
	// index.lock from the moments after it: cleared.
	write(t, dir, ".git/pitwall.lock", "writing the index\n")
	write(t, dir, ".git/index.lock", "")
	if d := deliver(t, r, "PIP-2", files("2")); d.Branch != "main" || sh(t, dir, "status", "--porcelain") != "" {
		t.Errorf("got %+v", d)
	}
}

const childDir = "PITWALL_TEST_DELIVER_IN"

// TestMain lets this binary be the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		r, err := git.Open(context.Background(), dir, git.Options{FastForward: true, Now: time.Now})
		if err == nil {
			_, err = r.Deliver(context.Background(), "PIP-1", "m", files("16000"))
		}
		if err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestKillAtAnyPoint kills deliveries at random moments and delivers again.
func TestKillAtAnyPoint(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	cut := 0
	for range 12 {
		_, dir := repo(t, false)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(5+rng.IntN(110)) * time.Millisecond)
		_ = cmd.Process.Kill()
		if cmd.Wait() != nil {
			cut++
		}
		d := deliver(t, open(t, dir, true), "PIP-1", files("16000"))
		if d.Branch != "main" || d.Commit != sh(t, dir, "rev-parse", "HEAD") || d.Commit != sh(t, dir, "rev-parse", "pitwall/PIP-1") {
			t.Errorf("after a kill: %+v", d)
		}
		if n := sh(t, dir, "rev-list", "--count", "main"); n != "2" {
			t.Errorf("%s commits on main, want 2", n)
		}
		if s := sh(t, dir, "status", "--porcelain"); s != "" {
			t.Errorf("left in the work tree: %s", s)
		}
		sh(t, dir, "fsck", "--strict", "--no-dangling")
	}
	if cut == 0 {
		t.Error("no delivery was cut short: the test saw nothing")
	}
	t.Logf("%d of 12 deliveries cut short", cut)
}
