package sqlite_test

import (
	"testing"
)

// TestMemorySurvives: what was kept last under a name is found after a restart.
func TestMemorySurvives(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	for _, text := range []string{"old", "new"} {
		if err := db.Remember(t.Context(), "monitor", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir)
	if got, err := db.Recall(t.Context(), "monitor"); err != nil || string(got) != "new" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := db.Recall(t.Context(), "other"); err != nil || got != nil {
		t.Errorf("%q, %v", got, err)
	}
}
