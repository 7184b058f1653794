package replay_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo/replay"
)

func TestTargets(t *testing.T) {
	f := func(own pitwall.Ratio, want ...pitwall.Ratio) {
		t.Helper()
		if diff := cmp.Diff(want, replay.Targets(own)); diff != "" {
			t.Errorf("%v:\n%s", own, diff)
		}
	}
	f(0.999, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999)
	f(0.5, 0.5, 0.75, 0.9, 0.95) // larger budgets would be everything
}

func TestKnown(t *testing.T) {
	at := func(minute int) time.Time { return time.Unix(0, 0).Add(time.Duration(minute) * time.Minute) }
	p := pitwall.Period{From: at(10), To: at(20)}
	step := func(minute int, good uint64) pitwall.LedgerStep {
		return pitwall.LedgerStep{Start: at(minute).Unix(), Counts: pitwall.Counts{Good: good}}
	}
	f := func(want int, steps ...pitwall.LedgerStep) {
		t.Helper()
		if got := replay.Known(p, steps); !got.From.Equal(at(want)) || !got.To.Equal(p.To) {
			t.Errorf("known from %s, want minute %d", got.From, want)
		}
	}
	f(10, step(5, 1), step(12, 1)) // older than the period
	f(12, step(11, 0), step(12, 1))
	f(10) // nothing is known of any of it
}
