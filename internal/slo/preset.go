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
// never fire for an objective; "drop" leaves them out with a warning.
const UnreachableTiers = "pitwall.dev/unreachable-tiers"

// referenceWindow is the SLO window the factors of a preset are written for.
const referenceWindow = 30 * 24 * time.Hour

// Preset gives the burn tiers of a preset for an SLO window, worst first. No
// name is DefaultPreset.
//
// A factor f over a long window w spends the share p = f·w/W of the budget
// before it fires. For a window W other than 30 days p is kept and f computed
// from it (Google SRE Workbook, chapter 5: f = p·W/w), but never below 1: a
// slower burn never ends the budget. Tiers that look back longer than W are
// left out.
func Preset(name string, window time.Duration) ([]pitwall.BurnTier, error) {
	var tiers []pitwall.BurnTier
	switch name {
	case DefaultPreset, "":
		tiers = pitwallDefault()
	default:
		return nil, &pitwall.Error{Op: "choosing burn tiers", Kind: pitwall.Invalid, ID: name,
			Err: fmt.Errorf("unknown preset%s", strict.Nearest(name, []string{DefaultPreset})), Hint: "known: " + DefaultPreset}
	}
	var fit []pitwall.BurnTier
	for _, t := range tiers {
		if t.Long > window {
			continue
		}
		f := t.Factor * window.Hours() / referenceWindow.Hours()
		t.Factor = max(1, math.Round(f*1e6)/1e6) // a factor is a decimal a person can print
		fit = append(fit, t)
	}
	return fit, nil
}

// pitwallDefault pages on 1 % of a 30-day budget within 15 minutes, 2 % within
// an hour and 4.2 % within six; a slower burn goes to the owner or a ticket.
func pitwallDefault() []pitwall.BurnTier {
	const day = 24 * time.Hour
	return []pitwall.BurnTier{
		{Name: "fast", Factor: 28.8, Long: 15 * time.Minute, Short: 2 * time.Minute, Action: pitwall.ActionPage, OpensPlan: true, MinBad: 3},
		{Name: "page-fast", Factor: 14.4, Long: time.Hour, Short: 5 * time.Minute, Action: pitwall.ActionPage, OpensPlan: true, MinBad: 3},
		{Name: "page-slow", Factor: 5, Long: 6 * time.Hour, Short: 30 * time.Minute, Action: pitwall.ActionPage, OpensPlan: true, MinBad: 3},
		{Name: "escalate", Factor: 2, Long: day, Short: 2 * time.Hour, Action: pitwall.ActionEscalate, OpensPlan: true, MinBad: 3},
		{Name: "ticket", Factor: 1, Long: 3 * day, Short: 6 * time.Hour, Action: pitwall.ActionTicket, MinBad: 3},
	}
}

// Reachable says whether a tier can ever fire: with everything failing, the
// burn rate is 1/(1-target), so a factor at or above that is never exceeded.
func Reachable(t pitwall.BurnTier, target pitwall.Ratio) bool {
	return limitOf(t.Factor, target).below1()
}

// withTiers gives an SLO the tiers of a preset and refuses those that can never fire.
func (r *reading) withTiers(o object, s pitwall.SLO, preset string) (pitwall.SLO, error) {
	tiers, err := Preset(preset, s.Window)
	if err != nil {
		return s, err
	}
	drop := o.head.Metadata.Annotations[UnreachableTiers]
	if drop != "" && drop != "drop" {
		return s, o.doc.Wrong(o.line, "the only value is drop", "annotation %s is %q", UnreachableTiers, drop)
	}
	var dead []string
	for _, t := range tiers {
		if Reachable(t, s.Target) {
			s.Tiers = append(s.Tiers, t)
			continue
		}
		b := budgetShare(s.Target)
		dead = append(dead, fmt.Sprintf("tier %s can never fire: %.6g × (1 − %.6g) = %.4g ≥ 1, and no error ratio exceeds 1", t.Name, t.Factor, float64(s.Target), t.Factor*b))
	}
	switch {
	case len(dead) == 0:
		return s, nil
	case drop == "":
		return s, o.doc.Wrong(o.line, fmt.Sprintf("raise the target, or set the annotation %s: drop", UnreachableTiers), "%s", strings.Join(dead, "; "))
	case len(s.Tiers) == 0:
		return s, o.doc.Wrong(o.line, "raise the target", "no tier can fire at this target")
	}
	for _, d := range dead {
		r.warnings = append(r.warnings, s.Source+": dropped: "+d)
	}
	return s, nil
}

// Scale divides the SLO's window and the windows of its tiers by k, so that a
// demonstration lives through a month in an hour with the same factors and the
// same code. k ≤ 1 changes nothing. No window becomes shorter than a second; a
// Ledger with longer steps rounds up to one of its steps.
func Scale(s pitwall.SLO, k float64) pitwall.SLO {
	if !(k > 1) {
		return s
	}
	shrink := func(d time.Duration) time.Duration {
		return max(time.Second, time.Duration(math.Round(float64(d)/k)))
	}
	tiers := make([]pitwall.BurnTier, len(s.Tiers))
	for i, t := range s.Tiers {
		t.Long, t.Short = shrink(t.Long), shrink(t.Short)
		tiers[i] = t
	}
	s.Window, s.Tiers = shrink(s.Window), tiers
	return s
}
