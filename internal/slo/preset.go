package slo

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
)

// DefaultPreset names the burn tiers used unless something else is asked for.
const DefaultPreset = "pitwall-default"

// UnreachableTiers is the annotation that says what to do with tiers that can
// never fire for an objective: "drop" leaves them out, "clamp" lowers their factor.
const UnreachableTiers = "pitwall.dev/unreachable-tiers"

// Presets are the names of the presets, the default first.
func Presets() []string {
	var names []string
	for _, p := range presets() {
		names = append(names, p.name)
	}
	return names
}

// Preset gives the tiers of a preset for an SLO window, worst first. No name is
// DefaultPreset.
//
// A factor f over a long window w spends the share p = f·w/W of the budget
// before it fires. For a window W other than the one the preset was written for,
// p is kept and f computed from it (Google SRE Workbook, chapter 5: f = p·W/w),
// but never below 1: a slower burn never ends the budget. Tiers that look back
// longer than W are left out, and those about a day where a day is more than a
// quarter of W.
func Preset(name string, window time.Duration) ([]pitwall.BurnTier, error) {
	if name == "" {
		name = DefaultPreset
	}
	for _, p := range presets() {
		if p.name == name {
			return p.fit(window), nil
		}
	}
	return nil, &pitwall.Error{Op: "choosing burn tiers", Kind: pitwall.Invalid, ID: name,
		Err: fmt.Errorf("unknown preset%s", strict.Nearest(name, Presets())), Hint: "known: " + strings.Join(Presets(), ", ")}
}

// Reachable says whether a tier can ever fire: with everything failing, the
// burn rate is 1/(1-target), so a factor at or above that is never exceeded.
func Reachable(t pitwall.BurnTier, target pitwall.Ratio) bool {
	return limitOf(t.Factor, target).below1()
}

// leastLost is the shortest silence that a time scale makes of lost traffic:
// telemetry is late by its own clock.
const leastLost = time.Minute

// Scale divides the SLO's window and the windows of its tiers by k, so that a
// demonstration lives through a month in an hour with the same factors and the
// same code. k ≤ 1 changes nothing. No window becomes shorter than a second; a
// Ledger with longer steps rounds up to one of its steps. A day becomes a slot of
// the day; a calendar window rolls, for the calendar cannot be hurried.
func Scale(s pitwall.SLO, k float64) pitwall.SLO {
	if !(k > 1) {
		return s
	}
	shrink := func(d time.Duration) time.Duration {
		if d <= 0 {
			return d
		}
		return max(time.Second, time.Duration(math.Round(float64(d)/k)))
	}
	tiers := make([]pitwall.BurnTier, len(s.Tiers))
	for i, t := range s.Tiers {
		t.Long, t.Short, t.Within, t.For = shrink(t.Long), shrink(t.Short), shrink(t.Within), shrink(t.For)
		if t.When == pitwall.WhenTrafficLost {
			t.Short = max(t.Short, leastLost)
		}
		tiers[i] = t
	}
	if s.Slices != nil {
		cut := *s.Slices
		cut.Length = shrink(cut.Length)
		s.Slices = &cut
	}
	s.Window, s.Tiers, s.Day, s.Calendar = shrink(s.Window), tiers, shrink(dayOf(s)), nil
	return s
}
