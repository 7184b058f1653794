//go:build e2e

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// serveEmpty starts a pitwall on an empty directory and gives the address of its
// page and of OTLP over HTTP.
func serveEmpty(t *testing.T, extra string) (server, otlp string) {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "pitwall.yaml")
	otlp = freeAddress(t)
	text := fmt.Sprintf("listen: {http: \"127.0.0.1:0\", otlp_http: %q, otlp_grpc: \"127.0.0.1:0\"}\ndata_dir: data\n%s", otlp, extra)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return serveAgain(t, conf), "http://" + otlp
}

func freeAddress(t *testing.T) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	return lis.Addr().String()
}

// TestJavaScriptSDK follows docs/howto/opentelemetry.md with the real SDK from
// npm: its traces, metrics and logs are there, as the commands of the page show.
func TestJavaScriptSDK(t *testing.T) {
	server, otlp := serveEmpty(t, "")
	shop := startJavaScript(t, otlp)
	for range 5 {
		wantStatus(t, shop+"/", http.StatusOK)
	}
	wantStatus(t, shop+"/broken", http.StatusInternalServerError)

	at := "--server=" + server
	eventually(t, func() string {
		s := run(t, "operation", "list", at, "-o", "json", "--service", "shop")
		var a struct {
			Operations []struct {
				Kind          int
				Version       string
				Count, Failed int64
			}
		}
		if err := json.Unmarshal([]byte(s.out), &a); err != nil {
			return s.out + s.errout
		}
		served, failed, called := int64(0), int64(0), int64(0)
		for _, o := range a.Operations {
			if o.Version != "1.4.2" {
				return "version " + o.Version
			}
			switch o.Kind {
			case 2:
				served, failed = served+o.Count, failed+o.Failed
			case 3:
				called += o.Count
			}
		}
		// The front page and the stock it asks are one process: 5 + 1 + 5.
		if served != 11 || failed != 1 || called != 5 {
			return fmt.Sprintf("%d served, %d failed, %d called: %s", served, failed, called, s.out)
		}
		return ""
	})
	eventually(t, func() string {
		s := run(t, "log", "list", at, "--severity", "error")
		if !strings.Contains(s.out, "failed: no stock") || strings.Contains(s.out, "sold") {
			return s.out + s.errout
		}
		return ""
	})
	var found struct {
		Spans []struct {
			TraceID string `json:"trace_id"`
		}
	}
	s := run(t, "trace", "list", at, "--service", "shop", "--failed", "true", "--attr", "url.path=/broken", "-o", "json")
	if err := json.Unmarshal([]byte(s.out), &found); err != nil || len(found.Spans) != 1 {
		s = run(t, "trace", "list", at, "--service", "shop", "--failed", "true", "-o", "json")
		t.Fatalf("the failed request is not found by its attribute: %s%s", s.out, s.errout)
	}
	run(t, "trace", "view", found.Spans[0].TraceID, at).wants(t, 0, "shop", "failed")
	run(t, "trace", "list", at, "--attr", "nonsense").wants(t, exitUsage, "is not key=value")
	run(t, "log", "patterns", at).wants(t, 0, "sold", "no stock")
	eventually(t, func() string {
		res, err := http.Get(server + "/prometheus/api/v1/query?query=sum(shop_orders_total)")
		if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		var body bytes.Buffer
		_, _ = body.ReadFrom(res.Body)
		if !strings.Contains(body.String(), `"5"`) {
			return body.String()
		}
		return ""
	})
	run(t, "doctor", at).wants(t, exitNo, "no objective", "shop", "no profiles of shop") // nothing can be judged yet
}

// startJavaScript runs examples/javascript and gives its address.
func startJavaScript(t *testing.T, otlp string) string {
	t.Helper()
	dir, err := filepath.Abs("../../examples/javascript")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("npm is not here: the real JavaScript SDK was NOT tested")
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@opentelemetry", "sdk-node")); err != nil {
		ci := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
		ci.Dir = dir
		if out, err := ci.CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	addr := freeAddress(t)
	_, port, _ := strings.Cut(addr, ":")
	cmd := exec.Command("node", "--require", "./telemetry.cjs", "server.cjs")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PORT="+port, "OTEL_SERVICE_NAME=shop", "OTEL_RESOURCE_ATTRIBUTES=service.version=1.4.2",
		"OTEL_EXPORTER_OTLP_ENDPOINT="+otlp, "OTEL_TRACES_EXPORTER=otlp", "OTEL_METRICS_EXPORTER=otlp", "OTEL_LOGS_EXPORTER=otlp",
		"OTEL_METRIC_EXPORT_INTERVAL=500", "OTEL_METRIC_EXPORT_TIMEOUT=400", "OTEL_BSP_SCHEDULE_DELAY=200", "OTEL_BLRP_SCHEDULE_DELAY=200")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // how it ended is not what is tested
		late.Stop()
	})
	eventually(t, func() string {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return err.Error()
		}
		_ = conn.Close()
		return ""
	})
	return "http://" + addr
}

func wantStatus(t *testing.T, url string, status int) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if _ = res.Body.Close(); res.StatusCode != status {
		t.Errorf("%s: status %d, want %d", url, res.StatusCode, status)
	}
}

// eventually waits until f finds nothing wrong, at most 20 s.
func eventually(t *testing.T, f func() (wrong string)) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		wrong := f()
		if wrong == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(wrong)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
