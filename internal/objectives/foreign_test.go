package objectives

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
)

// TestForeignDocuments reads what other tools have as examples and tests: each
// is read, with tiers, or refused with file, line and a way out.
func TestForeignDocuments(t *testing.T) {
	dir := os.Getenv("PITWALL_BENCH")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "bench")
	}
	if _, err := os.Stat(filepath.Join(dir, "slo")); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("SKIPPED: no bench at %s; set PITWALL_BENCH", dir)
	}
	f := func(folder string, least int) {
		t.Helper()
		files, objectives := 0, 0
		err := filepath.WalkDir(filepath.Join(dir, "slo", folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" && filepath.Ext(path) != ".yml" {
				return err
			}
			files++
			set, err := Read(Options{}, path)
			objectives += len(set.SLOs)
			for _, s := range set.SLOs {
				if s.Source == "" || len(s.Tiers) == 0 || s.Window <= 0 || !strings.HasPrefix(s.Source, path) {
					t.Errorf("%s: %+v", path, s)
				}
			}
			for _, fault := range Faults(err) {
				var e *pitwall.Error
				if !errors.As(fault, &e) || e.Kind != pitwall.Invalid || !strings.HasPrefix(e.ID, path) || pitwall.HintOf(fault) == "" {
					t.Errorf("%s: %v", path, fault)
				}
			}
			return nil
		})
		if err != nil || objectives < least {
			t.Errorf("%s: %d objectives in %d files, %v", folder, objectives, files, err)
		}
		t.Logf("%s: %d objectives in %d files", folder, objectives, files)
	}
	f("sloth", 30)
	f("pyrra", 10)
	f("slo-generator", 2)
	f("openslo", 5)
}
