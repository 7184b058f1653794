package report

import (
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

func aFinding() pitwall.Finding {
	at := time.Date(2026, 3, 2, 5, 0, 0, 0, time.UTC)
	seconds := func(v float64) pitwall.Measure { return pitwall.Measure{Value: v, Unit: pitwall.UnitSeconds, N: 100} }
	return pitwall.Finding{ID: "F-1", Series: pitwall.SeriesName{Service: "inventory", Operation: "GET /items", Signal: pitwall.SignalLatency, Metric: "p95", Unit: pitwall.UnitSeconds},
		Direction: "worse", Why: "it moved", Onset: pitwall.Onset{At: at, Earliest: at.Add(-time.Minute), Latest: at.Add(time.Minute)},
		Effect: 0.31, EffectLow: 0.25, EffectHigh: 0.38, Before: seconds(0.234), After: seconds(0.307), Seen: at.Add(8 * time.Minute)}
}

func TestFindingWords(t *testing.T) {
	accepted, gone, planned := aFinding(), aFinding(), aFinding()
	accepted.Accepted = &pitwall.Accepted{By: "ada", Reason: "a slower disk, known"}
	gone.Gone = gone.Onset.At.Add(time.Hour)
	planned.Plan = "PIP-3"
	for _, c := range []struct {
		f           pitwall.Finding
		state, next string
		tone        Tone
	}{
		{aFinding(), "stands", "", ToneBad},
		{accepted, "accepted", "ada took note: a slower disk, known", ToneOK},
		{gone, "gone", "over since 06:00:00 UTC", ToneOK},
		{planned, "PIP-3", "PIP-3 deals with it", ToneBad},
	} {
		row := FindingOf(c.f)
		if row.State != c.state || row.Next != c.next || row.Tone != c.tone {
			t.Errorf("%q %q %s, want %q %q %s", row.State, row.Next, row.Tone, c.state, c.next, c.tone)
		}
		if row.Moved != "234 ms → 307 ms (+31.2 %)" || row.Within != "+25.0 % to +38.0 %" || row.What != "inventory GET /items p95" {
			t.Errorf("%q %q %q", row.Moved, row.Within, row.What)
		}
	}
}

// TestNoDataIsNoCalm: watching nothing is not the same as nothing found.
func TestNoDataIsNoCalm(t *testing.T) {
	if v := FindingsOf(pitwall.Sensed{}); v.Tone != ToneNoData || !strings.Contains(v.Text, "nothing is watched") {
		t.Errorf("%s %s", v.Tone, v.Text)
	}
	if v := FindingsOf(pitwall.Sensed{Problem: "the store is closed", Series: 4}); v.Tone != ToneNoData || v.Text != "The store is closed." {
		t.Errorf("%s %s", v.Tone, v.Text)
	}
	if v := FindingsOf(pitwall.Sensed{Series: 4, Operations: 1, Learning: 4}); v.Tone != ToneNoData || v.Text != "Nothing can be said yet. 4 series still learn what is normal." {
		t.Errorf("%s %s", v.Tone, v.Text)
	}
	if v := FindingsOf(pitwall.Sensed{Series: 4, Operations: 1, Learning: 1}); v.Tone != ToneOK || !strings.HasPrefix(v.Text, "No change in 3 series of 1 operation.") {
		t.Errorf("%s %s", v.Tone, v.Text)
	}
	if v := FindingsOf(pitwall.Sensed{Series: 4, Operations: 1}); v.Tone != ToneOK {
		t.Errorf("%s %s", v.Tone, v.Text)
	}
	if v := FindingsOf(pitwall.Sensed{Series: 4, Operations: 1, Findings: []pitwall.Finding{aFinding()}}); v.Tone != ToneWarn || v.Findings[0].ID != "F-1" {
		t.Errorf("%s %s", v.Tone, v.Text)
	}
}
