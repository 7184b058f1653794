package cli

import (
	"testing"
	"time"
)

func TestInstant(t *testing.T) {
	now := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"15m": now.Add(-15 * time.Minute), "3d": now.AddDate(0, 0, -3), "2026-03-02T14:05:00Z": time.Date(2026, 3, 2, 14, 5, 0, 0, time.UTC),
	} {
		if got, err := instant(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s is %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "-3d", "1.5d", "yesterday", "-15m"} {
		if got, err := instant(text, now); err == nil {
			t.Errorf("%q is taken as %s", text, got)
		}
	}
}
