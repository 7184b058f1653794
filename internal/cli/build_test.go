package cli

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// startBuild starts a version of one of the shop's services as a process of its
// own and gives its address.
func startBuild(t *testing.T, service, version string) string {
	t.Helper()
	cmd := command(t, "lab", "service", service, "--version", version)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		late := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // how it ended is not what is tested
		late.Stop()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var said struct{ Addr string }
	if err != nil || json.Unmarshal(line, &said) != nil || said.Addr == "" {
		t.Fatalf("%s %s said %q, %v", service, version, line, err)
	}
	return "http://" + said.Addr
}

// command is this test binary as pitwall.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), asPitwall+"=1")
	cmd.Stderr = os.Stderr
	return cmd
}

// TestGateHoldsRealBuilds: a gate passes the good build, fails the bad one, and
// calls neither what it could not measure.
func TestGateHoldsRealBuilds(t *testing.T) {
	const gate = "testdata/inventory-response-size.yaml"
	good, bad := startBuild(t, "inventory", "v40"), startBuild(t, "inventory", "v41")
	run(t, "gate", "run", gate, "--target", good).wants(t, 0, "PASS: ", "n = 12", "sending 12 requests to "+good)
	run(t, "gate", "run", gate, "--target", good+"/").wants(t, 0, "PASS: ")
	run(t, "gate", "run", gate, "--target", bad).wants(t, exitNo, "FAIL: ", "See: pitwall plan view PIP-1")
	s := run(t, "gate", "run", gate, "--target", bad, "--json")
	var res struct {
		Verdict string
		Value   struct{ Value float64 }
	}
	if err := json.Unmarshal([]byte(s.out), &res); err != nil || res.Verdict != "fail" || res.Value.Value < 70_000 {
		t.Errorf("%v: %+v", err, res)
	}

	// A build that answers 404 to some requests has not been measured.
	text, err := os.ReadFile(gate)
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/gate.yaml"
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), "SKU-10070", "SKU-1", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "gate", "run", file, "--target", good).wants(t, 3, "INCONCLUSIVE: 4 of 12 requests failed", "status 404")
}
