package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/config"
	"github.com/pitwall/pitwall/internal/objectives"
	"github.com/pitwall/pitwall/internal/route"
)

// TestExampleObjectives holds examples/slos to what it shows: everything reads,
// its tests pass, nothing is to be mended, and each kind of objective is there.
func TestExampleObjectives(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "examples", "slos"))); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	files, err := filepath.Glob("objectives/*.yaml")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files of objectives, %v", len(files), err)
	}
	f := func(code int, want string, args ...string) {
		t.Helper()
		run(t, args...).wants(t, code, want)
	}
	f(1, "secrets/pagerduty", "check") // the secrets are the reader's own
	if err := os.Mkdir("secrets", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{"pagerduty": "key", "slack": "xoxb-1", "ticket-url": "https://tickets.example.com/new"} {
		if err := os.WriteFile(filepath.Join("secrets", name), []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f(0, "valid: 9 objectives", "check")
	f(0, "valid, 1 objective", append([]string{"check", "--strict"}, files...)...)
	f(0, "nothing to mend", append([]string{"slo", "lint"}, files...)...)
	f(0, "all 6 tests passed", "slo", "test", "budgets.test.yaml")

	set, err := objectives.Read(objectives.Options{}, files...)
	if err != nil || len(set.Warnings) > 0 {
		t.Fatalf("%v %v", set.Warnings, err)
	}
	kinds := map[string]bool{}
	for _, s := range set.SLOs {
		kinds[string(s.SLI.Kind)] = true
		kinds["calendar"] = kinds["calendar"] || s.Calendar != nil
		kinds["slices"] = kinds["slices"] || s.Budgeting == pitwall.Timeslices
		kinds["own tiers"] = kinds["own tiers"] || s.Preset == "office-hours" && len(s.Tiers) == 5
	}
	for _, kind := range []string{"latency", "availability", "events", "value", "composite", "calendar", "slices", "own tiers"} {
		if !kinds[kind] {
			t.Errorf("no example has %s", kind)
		}
	}
	conf, err := config.Load("pitwall.yaml", func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if routes, err := readRoutes(conf); err != nil || routes == nil || len(routes.Receivers) != 3 {
		t.Errorf("routes %v, %v", routes, err)
	}
}

// TestReadmeObjective reads the objective and the routes that the first page
// shows, and counts their lines as it does.
func TestReadmeObjective(t *testing.T) {
	slos, routes := 0, 0
	for _, b := range blocks(t, "../../README.md") {
		switch {
		case strings.Contains(b.text, "kind: SLO\n"):
			slos++
			set, err := objectives.Parse(objectives.Options{}, objectives.File{Name: "README.md", Data: []byte(b.text)})
			if err != nil || len(set.SLOs) != 1 || len(set.Warnings) > 0 || strings.Count(b.text, "\n") != 12 {
				t.Errorf("%d lines, %d objectives, %v, %v", strings.Count(b.text, "\n"), len(set.SLOs), set.Warnings, err)
			}
		case strings.HasPrefix(b.text, "receivers:"):
			routes++
			if _, err := route.Parse("README.md", []byte(b.text)); err != nil || strings.Count(b.text, "\n") != 4 {
				t.Errorf("%d lines, %v", strings.Count(b.text, "\n"), err)
			}
		}
	}
	if slos != 1 || routes != 1 {
		t.Errorf("%d objectives and %d routing files are shown", slos, routes)
	}
}
