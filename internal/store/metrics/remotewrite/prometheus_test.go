package remotewrite

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pitwall/pitwall/internal/store/metrics"
)

const config = `
global: {scrape_interval: 250ms, scrape_timeout: 200ms, external_labels: {cluster: test}}
scrape_configs:
- {job_name: prometheus, static_configs: [{targets: ["%s"]}]}
remote_write:
- {url: "%s/api/v1/write", queue_config: {batch_send_deadline: 200ms}}
`

// locked is a buffer that a process and a test may use at once.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestRealPrometheus lets a Prometheus scrape itself and send us what it finds.
func TestRealPrometheus(t *testing.T) {
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("NOT TESTED against a real Prometheus: the program prometheus is not installed")
	}
	s, err := metrics.Open(t.TempDir(), metrics.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := New(Config{Store: s.Appendable()})
	if err != nil {
		t.Fatal(err)
	}
	receiving := httptest.NewServer(r)
	defer receiving.Close()
	address, dir := freePort(t), t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, fmt.Appendf(nil, config, address, receiving.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var log locked
	cmd := exec.CommandContext(ctx, binary, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = cmd.Wait()
	}()
	// Its own counter of requests rises with each scrape.
	const query = `sum(increase(prometheus_http_requests_total{handler="/metrics",job="prometheus",cluster="test"}[1m])) > 2`
	for {
		up, err := s.Query(ctx, fmt.Sprintf(`up{job="prometheus",instance=%q} == 1`, address), time.Now())
		if err != nil {
			t.Fatalf("%v; Prometheus said:\n%s", err, log.String())
		}
		rate, err := s.Query(ctx, query, time.Now())
		if err != nil {
			t.Fatalf("%v; Prometheus said:\n%s", err, log.String())
		}
		if len(up) == 1 && len(rate) == 1 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	h := r.Health()[0]
	t.Logf("%d samples from a real Prometheus, median age %.2f s", h.Accepted, h.Lag)
	if h.Accepted < 500 || h.Rejected != 0 || !h.Up || h.Lag <= 0 || h.Lag > 10 {
		t.Errorf("health %+v", h)
	}
	if strings.Contains(log.String(), "non-recoverable") {
		t.Errorf("Prometheus said:\n%s", log.String())
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
