//go:build e2e

package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRealPrometheus follows docs/howto/prometheus-and-grafana.md: the
// distribution's Prometheus writes into a serving pitwall by remote write, which
// serves the samples again and scrapes that Prometheus by itself; another
// pitwall reads the same Prometheus as its source.
func TestRealPrometheus(t *testing.T) {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("prometheus is not here: remote write and reading from a real one were NOT tested")
	}
	address := freeAddress(t)
	server, _ := serveEmpty(t, fmt.Sprintf("metrics: {scrape: [{job: scraped, targets: [%q], interval: 1s}]}\n", address))
	startPrometheus(t, program, address, server+"/prometheus/api/v1/write")
	for query, wanted := range map[string]string{
		`up{job="itself"}`:  `"1"`, // written by Prometheus
		`up{job="scraped"}`: `"1"`, // scraped by Pitwall
		`count(rate(prometheus_http_requests_total{job="itself"}[30s]))`: `"value"`,
	} {
		eventually(t, func() string {
			var raw []byte
			if err := newClient(server).get(t.Context(), "/prometheus/api/v1/query?query="+strings.NewReplacer(`"`, "%22", "{", "%7B", "}", "%7D", "[", "%5B", "]", "%5D").Replace(query), &raw); err != nil {
				return err.Error()
			}
			if !strings.Contains(string(raw), wanted) {
				return query + ": " + string(raw)
			}
			return ""
		})
	}

	var raw []byte
	if err := newClient(server).get(t.Context(), "/prometheus/api/v1/targets", &raw); err != nil || !strings.Contains(string(raw), `"scrapePool":"scraped"`) {
		t.Errorf("targets: %s, %v", raw, err)
	}

	reader, _ := serveEmpty(t, fmt.Sprintf("sources: {prometheus: {url: %q}}\nkpis: [{name: servers, query: sum(up), unit: up}, {name: broken, query: 'sum(('}]\n", "http://"+address))
	eventually(t, func() string {
		s := run(t, "kpi", "list", "--server="+reader)
		if s.code != 0 || !strings.Contains(s.out, "1 up") || !strings.Contains(s.out, "parse error") {
			return s.out + s.errout
		}
		return ""
	})
	run(t, "status", "--server="+reader).wants(t, 0, "prometheus")
}

func startPrometheus(t *testing.T, program, address, write string) {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf(`global: {scrape_interval: 1s}
scrape_configs: [{job_name: itself, static_configs: [{targets: [%q]}]}]
remote_write: [{url: %q, queue_config: {batch_send_deadline: 1s}}]
`, address, write)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	startProgram(t, exec.Command(program, "--config.file="+conf, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address))
}
