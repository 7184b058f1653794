package slo

import (
	"fmt"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// ClampTo is the error ratio a clamped tier fires above.
const ClampTo = 0.8

// Clamp lowers a factor that can never be exceeded to one that four fifths of
// everything failing does: f′ = min(f, 0.8 / (1 − target)).
func Clamp(t pitwall.BurnTier, target pitwall.Ratio) pitwall.BurnTier {
	if b := BudgetShare(target); b > 0 {
		t.Factor = min(t.Factor, floor6(ClampTo/b))
	}
	return t
}

func floor6(f float64) float64 { return float64(int64(f*1e6)) / 1e6 }

// CheckTiers looks for tiers that contradict themselves or can never fire
// (faults), and for those that another one always speaks for (warnings). Each
// comes with the arithmetic.
func CheckTiers(s pitwall.SLO) (faults, warnings []string) {
	names := map[string]bool{}
	for _, t := range s.Tiers {
		if names[t.Name] {
			faults = append(faults, fmt.Sprintf("tier %s is there twice; alarms are told apart by the names of tiers", t.Name))
		}
		names[t.Name] = true
		if f := contradiction(t); f != "" {
			faults = append(faults, fmt.Sprintf("tier %s: %s", t.Name, f))
		} else if f := unreachable(t, s); f != "" {
			faults = append(faults, fmt.Sprintf("tier %s can never fire: %s", t.Name, f))
		}
	}
	if len(faults) > 0 {
		return faults, nil
	}
	for i, t := range s.Tiers {
		for k, other := range s.Tiers {
			// Of two that speak for one another, the first stays.
			if i == k || k > i && speaksFor(t, other, s) != "" {
				continue
			}
			if why := speaksFor(other, t, s); why != "" {
				warnings = append(warnings, fmt.Sprintf("tier %s says nothing that %s does not: %s", t.Name, other.Name, why))
				break
			}
		}
	}
	return faults, warnings
}

// contradiction says what about a tier makes no sense; empty: it does.
func contradiction(t pitwall.BurnTier) string {
	percent := func() string {
		switch whole := t.Of != pitwall.OfDay; {
		case !(t.Percent > 0):
			return fmt.Sprintf("%.6g %% of the budget is always spent", t.Percent)
		case whole && t.Percent > 100 && t.When == pitwall.WhenSpent:
			return fmt.Sprintf("%.6g %% of a budget that is gone at 100 %%", t.Percent)
		}
		return ""
	}
	switch {
	case t.Short > t.Long && t.Long > 0:
		return fmt.Sprintf("the short window %s is longer than the long one %s", brief(t.Short), brief(t.Long))
	case t.Alpha < 0 || t.Alpha >= 1:
		return fmt.Sprintf("alpha %.6g is no chance between 0 and 1", t.Alpha)
	case t.Factor < 0:
		return fmt.Sprintf("factor %.6g is below zero", t.Factor)
	}
	switch t.When {
	case "", pitwall.WhenBurn:
		return burnContradiction(t)
	case pitwall.WhenSpent, pitwall.WhenProjected:
		return percent()
	case pitwall.WhenExhaustion:
		if t.Within <= 0 || t.Long <= 0 {
			return "it needs within, and long for the pace"
		}
	case pitwall.WhenRemaining:
		if t.Percent >= 100 {
			return fmt.Sprintf("less than %.6g %% of the budget is left from the first bad event on", t.Percent)
		}
	case pitwall.WhenTrafficLost:
		if t.Short <= 0 {
			return "it needs short: how long nothing came"
		}
	default:
		return fmt.Sprintf("unknown condition %q", t.When)
	}
	return ""
}

func burnContradiction(t pitwall.BurnTier) string {
	switch {
	case t.Long <= 0:
		return "it needs a long window"
	case !(t.Factor > 0):
		return fmt.Sprintf("factor %.6g is exceeded by any bad event", t.Factor)
	}
	return ""
}

// unreachable says why a tier can never fire for an objective; empty: it can.
func unreachable(t pitwall.BurnTier, s pitwall.SLO) string {
	b := BudgetShare(s.Target)
	tooHigh := func(f float64, of string) string {
		if b <= 0 || limitOf(f, s.Target).below1() {
			return ""
		}
		return fmt.Sprintf("%s%.6g × (1 − %.6g) = %.4g ≥ 1, and no error ratio exceeds 1", of, f, float64(s.Target), f*b)
	}
	switch t.When {
	case "", pitwall.WhenBurn:
		return tooHigh(t.Factor, "")
	case pitwall.WhenSpent:
		if t.Of != pitwall.OfDay && t.Long > 0 {
			return tooHigh(SpentFactor(t, s.Window), fmt.Sprintf("%.6g %% within %s is a burn rate of %.6g; ", t.Percent, brief(t.Long), SpentFactor(t, s.Window)))
		}
	case pitwall.WhenExhaustion:
		if t.Of == pitwall.OfWindow && t.Within > 0 {
			f := round6(s.Window.Seconds() / t.Within.Seconds())
			if f > 1 {
				return tooHigh(f, fmt.Sprintf("a whole budget ends within %s at a burn rate of %.6g; ", brief(t.Within), f))
			}
		}
	case pitwall.WhenRemaining:
		if least := (1 - 1/b) * 100; b > 0 && t.Percent <= least {
			return fmt.Sprintf("with everything failing 1 − 1 / (1 − %.6g) = %.4g %% are left", float64(s.Target), least)
		}
	}
	return ""
}

// speaksFor says why one tier always fires no later than another, stays no
// shorter and asks for no less; empty: it does not.
func speaksFor(a, b pitwall.BurnTier, s pitwall.SLO) string {
	halts := []pitwall.Halt{pitwall.HaltNone, pitwall.HaltRisky, pitwall.HaltAll}
	switch {
	case a.Action.Rank() > b.Action.Rank(), b.OpensPlan && !a.OpensPlan, slices.Index(halts, a.Halt) < slices.Index(halts, b.Halt):
		return ""
	case a.MinBad > b.MinBad, a.MinEvents > b.MinEvents, alpha(a) < alpha(b), a.For > b.For:
		return ""
	}
	if x, ok := asBurn(a, s); ok {
		if y, ok := asBurn(b, s); ok {
			return fasterBurn(x, y)
		}
		return ""
	}
	if a.When != b.When || a.Of != b.Of {
		return ""
	}
	switch same := a.Long == b.Long && a.Short == b.Short && a.Factor <= b.Factor; {
	case a.When == pitwall.WhenRemaining && a.Percent >= b.Percent:
		return fmt.Sprintf("less than %.6g %% is left whenever less than %.6g %% is", a.Percent, b.Percent)
	case (a.When == pitwall.WhenSpent || a.When == pitwall.WhenProjected && same && a.Within == b.Within) && a.Percent <= b.Percent:
		return fmt.Sprintf("%.6g %% is reached whenever %.6g %% is", a.Percent, b.Percent)
	case a.When == pitwall.WhenExhaustion && same && a.Within >= b.Within:
		return fmt.Sprintf("it ends within %s whenever within %s", brief(a.Within), brief(b.Within))
	case a.When == pitwall.WhenTrafficLost && a.Short <= b.Short:
		return fmt.Sprintf("nothing came for %s whenever for %s", brief(a.Short), brief(b.Short))
	}
	return ""
}

// asBurn is a tier as a burn rate, if it compiles to one.
func asBurn(t pitwall.BurnTier, s pitwall.SLO) (pitwall.BurnTier, bool) {
	switch {
	case t.When == pitwall.WhenSpent && t.Of != pitwall.OfDay && t.Long > 0:
		t.Factor = SpentFactor(t, s.Window)
	case t.When != "" && t.When != pitwall.WhenBurn:
		return t, false
	}
	if t.Short <= 0 {
		t.Short = t.Long
	}
	return t, true
}

// fasterBurn compares two burn conditions: at a burn rate BR one fires after
// long × factor / BR and stays short × (1 − factor / BR) once it is over.
func fasterBurn(a, b pitwall.BurnTier) string {
	product := func(t pitwall.BurnTier) float64 { return round6(t.Factor * t.Long.Hours()) }
	if a.Factor > b.Factor || product(a) > product(b) || a.Short < b.Short {
		return ""
	}
	hours := func(t pitwall.BurnTier) string {
		return fmt.Sprintf("%.6g × %s = %s", t.Factor, brief(t.Long), brief(time.Duration(t.Factor*float64(t.Long)).Round(time.Second)))
	}
	return fmt.Sprintf("it fires no later (%s against %s, divided by the burn rate) and stays no shorter (%s against %s)",
		hours(a), hours(b), brief(a.Short), brief(b.Short))
}
