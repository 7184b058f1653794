//go:build e2e

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const shopSLO = `apiVersion: openslo/v1
kind: SLO
metadata: {name: shop-up}
spec:
  service: shop
  budgetingMethod: Occurrences
  timeWindow: [{duration: 30d, isRolling: true}]
  indicator:
    metadata: {name: shop-good}
    spec:
      ratioMetric:
        counter: true
        total: {metricSource: {type: pitwall-spans, spec: {service: shop, operation: GET /}}}
        good: {metricSource: {type: pitwall-spans, spec: {}}}
  objectives: [{target: 0.999}]
`

// TestKilledWhileTakingIn kills a serving pitwall with SIGKILL again and again
// while senders go on, each repeating its request until it is acknowledged, as
// SDKs do. In the end every span, every log record and every count of the
// objective is there once: nothing acknowledged is lost, nothing is counted
// twice.
func TestKilledWhileTakingIn(t *testing.T) {
	const kills, batches, perBatch = 5, 400, 25
	dir := t.TempDir()
	page, otlp := freeAddress(t), freeAddress(t)
	for name, text := range map[string]string{
		"pitwall.yaml": fmt.Sprintf("listen: {http: %q, otlp_http: %q, otlp_grpc: \"127.0.0.1:0\"}\ndata_dir: data\nslos: [slo.yaml]\nledger_step: 1s\ntraces: {head_spans: 2000}\n", page, otlp),
		"slo.yaml":     shopSLO,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var serving *exec.Cmd
	start := func() {
		cmd := command(t, "serve", "--config", filepath.Join(dir, "pitwall.yaml"))
		log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Error(err)
		}
		cmd.Stderr = log
		if err := cmd.Start(); err != nil {
			t.Error(err)
		}
		mu.Lock()
		serving = cmd
		mu.Unlock()
	}
	kill := func(sig syscall.Signal) {
		mu.Lock()
		defer mu.Unlock()
		_ = serving.Process.Signal(sig)
		_ = serving.Wait()
	}
	start()
	t.Cleanup(func() { kill(syscall.SIGKILL) })
	var senders sync.WaitGroup
	for _, s := range []struct {
		url  string
		body func(batch int) []byte
	}{
		{"http://" + otlp + "/v1/traces", func(i int) []byte { return spansJSON(i, perBatch) }},
		{"http://" + otlp + "/v1/logs", func(i int) []byte { return logsJSON(i, perBatch) }},
	} {
		senders.Add(1)
		go func() {
			defer senders.Done()
			for i := range batches {
				if err := sendUntilTaken(s.url, s.body(i)); err != nil {
					t.Error(err)
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		}()
	}
	for i := range kills {
		time.Sleep(time.Duration(700+i*137) * time.Millisecond)
		kill(syscall.SIGKILL)
		start()
	}
	senders.Wait()
	if t.Failed() {
		text, _ := os.ReadFile(filepath.Join(dir, "log"))
		t.Fatal(tail(string(text), 30))
	}
	checkTaken(t, "http://"+page, batches*perBatch)
}

func checkTaken(t *testing.T, server string, total int) {
	t.Helper()
	var operations struct {
		Operations []struct{ Count, Failed int64 }
	}
	var slo struct{ Good, Bad string }
	var patterns struct{ Patterns []struct{ Count int64 } }
	eventually(t, func() string {
		for path, into := range map[string]any{"/api/v1/operations?service=shop": &operations, "/api/v1/slos/shop-up": &slo, "/api/v1/logs/patterns?service=shop": &patterns} {
			if err := newClient(server).get(t.Context(), path, into); err != nil {
				return err.Error()
			}
		}
		spans, failed, records := int64(0), int64(0), int64(0)
		for _, o := range operations.Operations {
			spans, failed = spans+o.Count, failed+o.Failed
		}
		for _, p := range patterns.Patterns {
			records += p.Count
		}
		said := fmt.Sprintf("%d sent: %d spans of which %d failed, objective %s good and %s bad, %d log records", total, spans, failed, slo.Good, slo.Bad, records)
		digits := func(s string) string { return strings.ReplaceAll(s, ",", "") }
		if int(spans) != total || int(records) != total || digits(slo.Good) != fmt.Sprint(total-int(failed)) || digits(slo.Bad) != fmt.Sprint(failed) {
			return said
		}
		t.Log(said)
		return ""
	})
}

// sendUntilTaken repeats a request until it is acknowledged, at most 30 s.
func sendUntilTaken(url string, body []byte) error {
	client := &http.Client{Timeout: 5 * time.Second}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		res, err := client.Post(url, "application/json", bytes.NewReader(body))
		if err == nil {
			text, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			switch res.StatusCode {
			case http.StatusOK:
				return nil
			case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			default:
				return fmt.Errorf("%s: status %d: %s", url, res.StatusCode, text)
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s was not taken within 30 s: %v", url, err)
		}
	}
}

// resourceOf is the sender of a request in OTLP's JSON.
func resourceOf(service string) map[string]any {
	text := func(key, value string) any {
		return map[string]any{"key": key, "value": map[string]any{"stringValue": value}}
	}
	return map[string]any{"attributes": []any{text("service.name", service), text("service.version", "v1")}}
}

// spanJSON is a good request that ended at an instant.
func spanJSON(id int, end time.Time) map[string]any {
	return map[string]any{
		"traceId": fmt.Sprintf("%032x", id), "spanId": fmt.Sprintf("%016x", id), "name": "GET /", "kind": 2,
		"startTimeUnixNano": fmt.Sprint(end.Add(-20 * time.Millisecond).UnixNano()), "endTimeUnixNano": fmt.Sprint(end.UnixNano()),
	}
}

// spansJSON makes the requests of one batch; each tenth failed.
func spansJSON(batch, n int) []byte {
	var spans []any
	now := time.Now()
	for i := range n {
		id := batch*n + i + 1
		span := spanJSON(id, now)
		if id%10 == 0 {
			span["status"] = map[string]any{"code": 2}
		}
		spans = append(spans, span)
	}
	return encoded(map[string]any{"resourceSpans": []any{map[string]any{"resource": resourceOf("shop"), "scopeSpans": []any{map[string]any{"spans": spans}}}}})
}

func logsJSON(batch, n int) []byte {
	var records []any
	for i := range n {
		records = append(records, map[string]any{"timeUnixNano": fmt.Sprint(time.Now().UnixNano()), "severityNumber": 9,
			"body": map[string]any{"stringValue": fmt.Sprintf("order %d sold", batch*n+i)}})
	}
	return encoded(map[string]any{"resourceLogs": []any{map[string]any{"resource": resourceOf("shop"), "scopeLogs": []any{map[string]any{"logRecords": records}}}}})
}

func encoded(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
