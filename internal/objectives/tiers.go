package objectives

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/objectives/openslo"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/strict"
)

// What is done with tiers that can never fire.
const (
	dropTiers  = "drop"  // leave them out
	clampTiers = "clamp" // lower their factor to 0.8/(1 − target)
)

// tiers gives an objective its tiers: those of its alert policies, or of the
// preset it names, or of the preset that was asked for; with policies and a
// preset both. Tiers that can never fire are refused with the arithmetic.
func (r *reader) tiers(it item, s *pitwall.SLO) {
	named := it.Annotation(AnnotPreset)
	policies := it.Spec().Get("alertPolicies")
	alerts := r.alerts(it, s, policies)
	if len(alerts) == 0 || named.Has() {
		s.Preset = r.preset()
		if named.Has() {
			s.Preset = named.Text()
		}
		tiers, err := r.presetTiers(s.Preset, *s)
		if err != nil {
			r.wrong(it.Object, named, "known: "+strings.Join(r.presets(), ", "), "unknown preset %q%s", s.Preset, strict.Nearest(s.Preset, r.presets()))
			return
		}
		s.Tiers = tiers
	} else {
		r.warn(it.Object, policies, "the tiers are those of alertPolicies; annotation %s adds a preset", AnnotPreset)
	}
	s.Tiers = worstFirst(append(s.Tiers, alerts...))
	r.reachable(it.Object, s)
}

// foreignTiers gives an objective of another dialect the tiers of the preset it
// names, if it brings none of its own.
func (r *reader) foreignTiers(s *pitwall.SLO) {
	if len(s.Tiers) > 0 {
		return
	}
	if s.Preset == "" {
		s.Preset = r.preset()
	}
	tiers, err := r.presetTiers(s.Preset, *s)
	if err != nil {
		r.errs = append(r.errs, err)
		return
	}
	s.Tiers = worstFirst(tiers)
}

// foreignChecked asks the judge of tiers about an objective of another dialect.
func (r *reader) foreignChecked(s pitwall.SLO) {
	faults, warnings := slo.CheckTiers(s)
	for _, text := range faults {
		r.errs = append(r.errs, &pitwall.Error{Op: readOp, Kind: pitwall.Invalid, ID: s.Source, Err: errors.New(text), Hint: "raise the target, or choose other tiers"})
	}
	for _, text := range warnings {
		r.set.Warnings = append(r.set.Warnings, Warning{s.Source, text})
	}
}

func (r *reader) presetTiers(name string, s pitwall.SLO) ([]pitwall.BurnTier, error) {
	if own, ok := r.policies[name]; ok {
		return slices.Clone(own.Tiers), nil
	}
	return slo.Preset(name, s.Window)
}

// presets are the names that are known here.
func (r *reader) presets() []string {
	return append(slo.Presets(), slices.Sorted(maps.Keys(r.policies))...)
}

func worstFirst(tiers []pitwall.BurnTier) []pitwall.BurnTier {
	order := []pitwall.Action{pitwall.ActionPage, pitwall.ActionEscalate, pitwall.ActionTicket, pitwall.ActionInform}
	slices.SortStableFunc(tiers, func(a, b pitwall.BurnTier) int {
		return slices.Index(order, a.Action) - slices.Index(order, b.Action)
	})
	return tiers
}

// reachable refuses, drops or clamps tiers that can never fire for the target.
func (r *reader) reachable(o openslo.Object, s *pitwall.SLO) {
	if !(s.Target > 0 && s.Target < 1) || s.Window <= 0 {
		return // refused already
	}
	mode := o.Annotation(AnnotUnreachable)
	if mode.Has() && mode.Text() != dropTiers && mode.Text() != clampTiers {
		r.wrong(o, mode, "drop leaves them out, clamp lowers their factor", "annotation %s is %q", AnnotUnreachable, mode.Text())
		return
	}
	var kept []pitwall.BurnTier
	var dead []string
	for _, t := range s.Tiers {
		factor, burns := factorOf(t, s.Window)
		if !burns || slo.Reachable(pitwall.BurnTier{Factor: factor}, s.Target) {
			kept = append(kept, t)
			continue
		}
		why := fmt.Sprintf("tier %s can never fire: %.6g × (1 − %.6g) = %.4g ≥ 1, and no error ratio exceeds 1", t.Name, factor, float64(s.Target), factor*float64(1-s.Target))
		switch {
		case mode.Text() == clampTiers && cond(t) == pitwall.WhenBurn:
			t = slo.Clamp(t, s.Target)
			kept = append(kept, t)
			r.warn(o, mode, "clamped to factor %.6g: %s", t.Factor, why)
		case mode.Has():
			r.warn(o, mode, "dropped: %s", why)
		default:
			dead = append(dead, why)
		}
	}
	s.Tiers = kept
	switch {
	case len(dead) > 0:
		r.wrong(o, o.Root(), fmt.Sprintf("raise the target, or set the annotation %s: drop (or clamp)", AnnotUnreachable), "%s", strings.Join(dead, "; "))
	case len(s.Tiers) == 0 && mode.Has():
		r.wrong(o, o.Root(), "raise the target, or write clamp", "no tier can fire at this target")
	case len(s.Tiers) == 0:
		r.wrong(o, o.Spec().Get("timeWindow"), "choose a longer window, or a BurnPolicy with shorter ones", "no tier of preset %q fits into a window of %v", s.Preset, s.Window)
	default:
		r.checked(o, s)
	}
}

// checked asks the judge of tiers what else is wrong with them.
func (r *reader) checked(o openslo.Object, s *pitwall.SLO) {
	faults, warnings := slo.CheckTiers(*s)
	for _, text := range faults {
		r.wrong(o, o.Root(), "see docs/reference/objectives.md", "%s", text)
	}
	for _, text := range warnings {
		r.warn(o, o.Root(), "%s", text)
	}
}

// factorOf is the burn rate that a tier compiles to, if it does.
func factorOf(t pitwall.BurnTier, window time.Duration) (factor float64, ok bool) {
	switch {
	case cond(t) == pitwall.WhenBurn:
		return t.Factor, true
	case t.When == pitwall.WhenSpent && t.Of != pitwall.OfDay && t.Long > 0:
		return slo.SpentFactor(t, window), true
	}
	return 0, false
}
