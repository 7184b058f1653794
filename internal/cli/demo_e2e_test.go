//go:build e2e

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pitwall/pitwall/internal/report"
)

// TestDemo runs the real thing, from burn to lock, at test pace: processes,
// telemetry, a fault, and a Pitwall that is told nothing. Then it serves the
// directory again, as after a restart, and asks for everything that was left
// behind.
func TestDemo(t *testing.T) {
	began := time.Now()
	data := filepath.Join(t.TempDir(), "demo")
	out := runStory(t, data)
	t.Logf("the story took %s, about 100 are usual and 120 wanted: %+v", time.Since(began).Round(time.Second), out.Seconds)
	checkOutcome(t, out)
	repo := filepath.Join(data, "enforced")
	gate := checkLocks(t, repo, out.Enforced)

	good, bad := startBuild(t, "inventory", "v40"), startBuild(t, "inventory", "v41")
	run(t, "gate", "run", gate, "--target", good).wants(t, 0, "PASS: ")
	run(t, "gate", "run", gate, "--target", bad).wants(t, exitNo, "FAIL: ")
	run(t, "gate", "list", repo).wants(t, 0, "inventory", string(out.Plan))

	server := "--server=" + serveAgain(t, filepath.Join(data, "pitwall.yaml"))
	run(t, "plan", "list", server).wants(t, 0, string(out.Plan), "Closed")
	for format, sign := range map[string]string{"markdown": "# ", "html": "<!doctype html>", "json": `"state": "closed"`} {
		run(t, "plan", "export", string(out.Plan), "-o", format, server).wants(t, 0, sign, "inventory", "v41")
	}
	run(t, "record", "verify", server).wants(t, 0, "intact: ")
	run(t, "status", server).wants(t, 0)
	askAgain(t, server, string(out.Plan))
}

// askAgain asks by hand for what the plan was about: the stores of the served
// directory give the same answer.
func askAgain(t *testing.T, server, plan string) {
	t.Helper()
	view := run(t, "diagnosis", "view", plan, "-o", "json", server)
	view.wants(t, 0, `"verdict"`)
	var why report.DiagnosisView
	if err := json.Unmarshal([]byte(view.out), &why); err != nil {
		t.Fatalf("diagnosis view: %v\n%s", err, view.out)
	}
	d := why.Question
	at := func(when time.Time) string { return when.Format(time.RFC3339Nano) }
	run(t, "diagnosis", "run", "--service", string(d.Service), "--operation", d.Operation, "--from", at(d.Window.From), "--to", at(d.Window.To),
		"--baseline-from", at(d.Baseline.From), "--baseline-to", at(d.Baseline.To), "-o", "json", server).
		wants(t, 0, `"likely"`, `"inventory"`, `"payload"`)
}

// TestDemoEndsOnInterrupt: Ctrl-C ends all of it within seconds, and no process
// is left behind.
func TestDemoEndsOnInterrupt(t *testing.T) {
	data := filepath.Join(t.TempDir(), "demo")
	cmd := command(t, "demo", "--once", "--pace", "4", "--data", data, "--listen", "127.0.0.1:0")
	cmd.Stderr = nil
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	var lab struct{ PIDs map[string]int }
	for deadline := time.Now().Add(30 * time.Second); len(lab.PIDs) < 8; time.Sleep(100 * time.Millisecond) {
		raw, err := os.ReadFile(filepath.Join(data, "lab", "lab.json"))
		if err == nil {
			err = json.Unmarshal(raw, &lab)
		}
		if time.Now().After(deadline) {
			t.Fatalf("the shop did not open within 30 s: %v, %v", err, lab)
		}
	}
	asked := time.Now()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("exit code %d, want %d", code, exitInterrupted)
	}
	if took := time.Since(asked); took > 8*time.Second {
		t.Errorf("it took %s to end", took.Round(time.Second))
	}
	for name, pid := range lab.PIDs {
		if err := syscall.Kill(pid, 0); err == nil {
			t.Errorf("%s (process %d) is still there", name, pid)
		}
	}
}

// runStory runs the demo once and reads what it observed.
func runStory(t *testing.T, data string) demoOut {
	t.Helper()
	file := filepath.Join(t.TempDir(), "out.json")
	cmd := command(t, "demo", "--once", "--story", "checkout", "--seed", "1", "--pace", "4", "--timeout", "180s",
		"--data", data, "--out", file, "--listen", "127.0.0.1:0")
	var told bytes.Buffer
	cmd.Stderr = &told
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // its children die with it; after Wait there is nothing to kill
	err := cmd.Wait()
	raw, rerr := os.ReadFile(file)
	if err != nil || rerr != nil {
		log, _ := os.ReadFile(filepath.Join(data, "demo.log")) // best effort: the failure is already known
		t.Fatalf("demo: %v, out.json: %v\n%s\n%s\nlast lines of demo.log:\n%s", err, rerr, &told, raw, tail(string(log), 40))
	}
	t.Logf("%s", &told)
	for _, want := range []string{"Open  http://127.0.0.1:", "pitwall plan export PIP-1", "pitwall gate run", "pitwall serve --config"} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("the demo does not say %q", want)
		}
	}
	var out demoOut
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&out); err != nil {
		t.Fatalf("reading out.json: %v\n%s", err, raw)
	}
	return out
}

func tail(text string, lines int) string {
	all := strings.Split(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// checkOutcome holds out.json against what the story must end with.
func checkOutcome(t *testing.T, out demoOut) {
	t.Helper()
	if out.Schema != "pitwall.demo/1" || out.Story != "checkout" || out.Seed != 1 || out.Plan != "PIP-1" || len(out.Kills) != 0 {
		t.Errorf("not this run: %+v", out)
	}
	if out.State != "closed" || out.Verdict != "confirmed" || out.PlansOpened != 1 {
		t.Errorf("ended %s, %s, with %d plans", out.State, out.Verdict, out.PlansOpened)
	}
	if out.RootCause != out.Truth || out.Truth.Service != "inventory" || out.Truth.Class != "payload" || out.Truth.Change == "" {
		t.Errorf("blamed %+v, truth is %+v", out.RootCause, out.Truth)
	}
	if e := out.Effects; e.Twice != 0 || e.Lost != 0 || e.Recorded < 2 || e.Applied < e.Recorded {
		t.Errorf("effects: %+v", e)
	}
	s := out.Seconds
	if !(s.FaultToPage > 0 && s.FaultToPage < 40 && s.PageToCause > 0 && s.PageToCause < 60 && s.PageToVerified > s.PageToCause &&
		s.PageToEnforced >= s.PageToVerified && s.Total > s.FaultToPage+s.PageToEnforced && s.Total < 180) {
		t.Errorf("clocks: %+v", s)
	}
	p, n := out.P99, out.Requests
	if p.During < 2*p.Before || p.After > p.During/2 || n.Before < 500 || n.During < 100 || n.After < 1000 || out.NoiseFloor <= 0 {
		t.Errorf("what customers saw: p99 %+v of %+v requests, noise floor %v", p, n, out.NoiseFloor)
	}
}

// checkLocks finds every enforced file committed, has the alert rules proved by
// promtool where there is one, and gives the gate's file.
func checkLocks(t *testing.T, repo string, files []string) (gate string) {
	t.Helper()
	tracked, err := exec.Command("git", "-C", repo, "ls-tree", "-r", "--name-only", "HEAD").CombinedOutput()
	if err != nil {
		t.Fatalf("git: %v\n%s", err, tracked)
	}
	runbook := false
	promtool, missing := exec.LookPath("promtool")
	if missing != nil {
		t.Log("promtool is not installed: the alert rules were not proved")
	}
	for _, file := range files {
		if !strings.Contains("\n"+string(tracked), "\n"+file+"\n") {
			t.Errorf("%s is not committed in\n%s", file, tracked)
		}
		path := filepath.Join(repo, file)
		switch {
		case strings.HasPrefix(file, "gates/"):
			gate = path
		case strings.HasPrefix(file, "runbooks/"):
			runbook = true
		case missing == nil && strings.HasPrefix(file, "alerts/"):
			what := map[bool]string{true: "check", false: "test"}[strings.HasSuffix(file, ".rules.yaml")]
			if said, err := exec.Command(promtool, what, "rules", path).CombinedOutput(); err != nil {
				t.Errorf("promtool %s rules %s: %v\n%s", what, file, err, said)
			}
		}
	}
	if gate == "" || !runbook || len(files) < 4 {
		t.Fatalf("left behind: %v", files)
	}
	return gate
}

// page catches the address in the first lines of a server's log.
type page struct {
	mu    sync.Mutex
	lines bytes.Buffer
	found chan string
}

// Write looks for the address.
func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines.Write(b)
	if _, rest, ok := strings.Cut(p.lines.String(), "page=http"); ok && p.found != nil {
		if address, _, whole := strings.Cut(rest, " "); whole {
			p.found <- "http" + address
			p.found = nil
		}
	}
	return len(b), nil
}

// serveAgain serves a demo's directory and gives the page's address.
func serveAgain(t *testing.T, conf string) string {
	t.Helper()
	cmd := command(t, "serve", "--config", conf, "--listen", "127.0.0.1:0")
	found := make(chan string, 1)
	log := &page{found: found}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("serve ended with %v\n%s", err, tail(log.lines.String(), 20))
			}
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			t.Error("serve did not end within 10 s of SIGTERM")
		}
	})
	select {
	case address := <-found:
		return address
	case err := <-ended:
		ended <- err
		t.Fatalf("serve: %v\n%s", err, log.lines.String())
	case <-time.After(20 * time.Second):
		t.Fatal(fmt.Errorf("serve said no address within 20 s"))
	}
	return ""
}
