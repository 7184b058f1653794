package cli

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

// doctorOf runs "pitwall doctor" against a server that sees this.
func doctorOf(t *testing.T, sees pitwall.Telemetry, args ...string) (code int, out, trouble string) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/telemetry" {
			http.NotFound(w, r)
			return
		}
		if err := json.NewEncoder(w).Encode(seen{sees, report.Telemetry(sees, report.Options{Now: sees.At})}); err != nil {
			t.Error(err)
		}
	}))
	defer srv.Close()
	var stdout, stderr bytes.Buffer
	code = Run(t.Context(), Env{Args: append([]string{"doctor", "--server", srv.URL}, args...), Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		Getenv: func(string) string { return "" }})
	return code, stdout.String(), stderr.String()
}

func TestDoctorsVerdict(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	f := func(want int, args []string, stops ...pitwall.Stops) {
		t.Helper()
		sees := pitwall.Telemetry{At: now, Period: pitwall.Period{From: now.Add(-15 * time.Minute), To: now}}
		for _, s := range stops {
			sees.Blind = append(sees.Blind, pitwall.BlindSpot{Stops: s, What: "no profiles of checkout", Means: "a slow function cannot be named", Remedy: "profiles.file_sd"})
		}
		if code, out, trouble := doctorOf(t, sees, args...); code != want || trouble != "" {
			t.Errorf("%v %v: exit %d, want %d\n%s%s", args, stops, code, want, out, trouble)
		}
	}
	f(0, nil)
	f(0, []string{"--strict"})
	f(0, nil, pitwall.StopsDiagnosis, pitwall.StopsActing, "")
	f(1, nil, pitwall.StopsJudging)
	f(1, []string{"-o", "json"}, pitwall.StopsJudging)
	f(1, []string{"--strict"}, "")
}

func TestDoctorsTable(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	_, out, _ := doctorOf(t, pitwall.Telemetry{At: now, Period: pitwall.Period{From: now.Add(-15 * time.Minute), To: now},
		Services: []pitwall.ServiceCoverage{{Service: "checkout", Versions: []pitwall.Version{"v42"}, Requests: 6012, Has: []pitwall.SignalKind{pitwall.SignalTraces}, Missing: []pitwall.SignalKind{pitwall.SignalProfiles}}},
		Sources:  []pitwall.SourceHealth{{Name: "otlp/traces", Up: true, LastSeen: now.Add(-2 * time.Second), Lag: 1.2, Accepted: 900, Blind: "traces"}},
		Drifts:   []pitwall.Drift{{Service: "checkout", From: "v41", To: "v42", Kind: "operation-gone", What: "POST /pay", Before: 1}},
		Targets:  []pitwall.TargetHealth{{Name: "controller checkout", Message: "connection refused"}},
		Blind:    []pitwall.BlindSpot{{Stops: pitwall.StopsDiagnosis, What: "no profiles of checkout", Means: "a slow function cannot be named", Remedy: "add its pprof address to profiles.file_sd"}},
	})
	for _, want := range []string{
		"! 0 of 1 service is fully seen. 1 blind spot stops a diagnosis.\n",
		"! no profiles of checkout\n  stops  diagnosis\n  so     a slow function cannot be named\n  next   add its pprof address to profiles.file_sd\n",
		"! checkout  6,012     v42       traces  profiles  no whole trace with a call yet",
		"checkout  v41 → v42  POST /pay is gone  1 → 0 for each request",
		"✓ otlp/traces  seen 2 s ago  1.2 s  900",
		"✗ controller checkout  does not answer  connection refused",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

// TestProbes: an address that is taken, and a directory nobody may write to.
func TestProbes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = free(t.Context(), "listen.http", l.Addr().String())
	if err == nil || !strings.Contains(pitwall.HintOf(err), "listen.http") {
		t.Errorf("a taken address: %v", err)
	}
	if err := reach(t.Context(), "target.url", "http://"+l.Addr().String()); err != nil {
		t.Errorf("an address that listens: %v", err)
	}
	dir := t.TempDir()
	if err := writable(filepath.Join(dir, "a", "b")); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if os.Getuid() == 0 {
		return // root may write anywhere
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if err := writable(dir); pitwall.KindOf(err) != pitwall.Denied {
		t.Errorf("got %v", err)
	}
}
