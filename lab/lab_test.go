package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMain lets the test binary be the lab's binary: it starts itself again
// for each service, as pitwall does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "lab" {
		os.Exit(Main(context.Background(), os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestUsage(t *testing.T) {
	f := func(want int, piece string, args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		if got := Main(context.Background(), args, strings.NewReader(""), &out, &errs); got != want || !strings.Contains(errs.String(), piece) {
			t.Errorf("%v exited %d with %q, want %d with %q", args, got, errs.String(), want, piece)
		}
	}
	f(2, "usage")
	f(2, "no command", "rum")
	f(2, "--dir is missing", "run")
	f(2, "choose 1 to 4", "run", "--dir", "x", "--pace", "9")
	f(2, "choose one of checkout, quiet, cpu", "run", "--dir", t.TempDir(), "--story", "loud")
	f(2, "name a service", "service")
	f(1, "choose one of", "service", "chekout")
	f(2, "is not flag=value", "service", "inventory", "--set", "x")
	f(1, "--edge", "load")
	f(0, "controller-addr", "run", "-h")
}

func TestStoriesFollowFromTheSeed(t *testing.T) {
	all := cmp.AllowUnexported(step{}, flagFlip{}, reconfigure{}, outsideEvent{})
	for _, name := range storyNames() {
		a, err := story(name, 5, "")
		if err != nil {
			t.Fatal(err)
		}
		b, _ := story(name, 5, "")
		if diff := cmp.Diff(a.steps, b.steps, all); diff != "" {
			t.Errorf("%s: the same seed told another story:\n%s", name, diff)
		}
		c, _ := story(name, 6, "")
		if cmp.Equal(a.steps, c.steps, all) {
			t.Errorf("%s: another seed told the same story", name)
		}
	}
}

// TestTheShopOpensServesAndCloses runs the lab as its own processes at four
// times the pace, without anybody listening.
func TestTheShopOpensServesAndCloses(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "lab", "run", "--dir", dir, "--pace", "4", "--rps", "30", "--seed", "3")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()

	lab := waitForLab(t, dir, ended, &errs)
	time.Sleep(2500 * time.Millisecond)
	var w struct{ N, Errors int }
	get(t, lab.Controller+"/v1/load/window?from=0&to=9999999999", &w)
	if w.N < 20 || w.Errors > 0 {
		t.Errorf("%d checkouts, %d failed: want at least 20 and none\n%s", w.N, w.Errors, errs.String())
	}
	var truth struct{ Injected bool }
	get(t, lab.Controller+"/v1/truth", &truth)
	if truth.Injected {
		t.Error("the fault is there before its time")
	}
	checkTargets(t, dir)

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the lab ended with %v\n%s", err, errs.String())
		}
	case <-time.After(6 * time.Second):
		t.Fatal("the lab did not stop")
	}
	for name, pid := range lab.PIDs {
		if err := syscall.Kill(pid, 0); err == nil {
			t.Errorf("%s (process %d) outlived the lab", name, pid)
		}
	}
	if !strings.Contains(out.String(), `"event":"load-started"`) {
		t.Errorf("events were:\n%s", out.String())
	}
}

func waitForLab(t *testing.T, dir string, ended chan error, errs *bytes.Buffer) labFile {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for time.Now().Before(deadline) {
		select {
		case err := <-ended:
			t.Fatalf("the lab ended with %v\n%s", err, errs.String())
		case <-time.After(50 * time.Millisecond):
		}
		b, err := os.ReadFile(filepath.Join(dir, "lab.json"))
		if err != nil {
			continue
		}
		var lab labFile
		if err := json.Unmarshal(b, &lab); err != nil {
			t.Fatal(err)
		}
		return lab
	}
	t.Fatal("lab.json did not appear")
	return labFile{}
}

// checkTargets wants one target per service, each serving pprof.
func checkTargets(t *testing.T, dir string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "targets.json"))
	if err != nil {
		t.Fatal(err)
	}
	var groups []targetGroup
	if err := json.Unmarshal(b, &groups); err != nil {
		t.Fatal(err)
	}
	if len(groups) != 6 {
		t.Errorf("%d targets, want 6", len(groups))
	}
	for _, g := range groups {
		res, err := http.Get("http://" + g.Targets[0] + "/debug/pprof/heap")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != 200 || g.Labels["service"] == "" || g.Labels["version"] == "" {
			t.Errorf("target %+v answered %d", g, res.StatusCode)
		}
	}
}

func get(t *testing.T, url string, into any) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}
