package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const manifest = `apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: NAME}
spec:
  target: "99"
  window: 4w
  indicator:
    ratio:
      errors: {metric: 'errors_total{job="NAME"}'}
      total: {metric: 'all_total{job="NAME"}'}
`

// TestRulesAreOneDocument: Prometheus reads the first document of a file and
// drops the others without a word.
func TestRulesAreOneDocument(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(manifest, "NAME", name)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	s := run(t, "slo", "rules", "--dialect", "pyrra", a, b)
	s.wants(t, 0, "- name: a-increase", "- name: b-increase")
	if strings.Count(s.out, "groups:") != 1 || strings.Contains(s.out, "---") {
		t.Errorf("several documents in one file:\n%s", s.out)
	}
	run(t, "slo", "rules", "--dialect", "pyrra", a, a).wants(t, 1, "two groups have this name")
}

// TestRulesRefuseWhatDoesNothing: a flag without effect is a misunderstanding.
func TestRulesRefuseWhatDoesNothing(t *testing.T) {
	run(t, "slo", "rules", "--dialect", "slot", "x.yaml").wants(t, 2, `no dialect "slot"`)
	run(t, "slo", "rules", "--no-alerts", "x.yaml").wants(t, 2, "--no-alerts does nothing with --dialect pitwall")
	run(t, "slo", "rules", "--label", "a=b").wants(t, 2, "--label works with FILE only")
	run(t, "slo", "rules", "--dialect", "pyrra").wants(t, 2, "needs the FILE")
	run(t, "gate", "deploy", "checkout").wants(t, 2, "--service checkout")
	run(t, "gate", "deploy", "--service", "checkout", "--risk", "medium").wants(t, 2, `no risk "medium"`)
	run(t, "slo", "correct", "--reason", "a").wants(t, 2, "--from is missing")
}
