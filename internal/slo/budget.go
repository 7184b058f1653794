package slo

import (
	"fmt"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

const spentFormula = "spent = bad / ((1 − target) × (good + bad))"

// Budget is the state of an SLO's error budget at an instant, from the counts
// of the SLO of that name. Target, window and tiers are those given, so a
// what-if needs no second ledger.
//
// Formulas (Google SRE Workbook, chapter 5), B = 1 − target, e = bad/total:
// spent = e(W)/B; burn rate over w = e(w)/B; at that rate the rest of the
// budget ends in remaining × W / burn rate. At a burn rate of 1 or less it
// never does, because bad events leave the window as fast as new ones come.
func (l *Ledger) Budget(s pitwall.SLO, now time.Time) pitwall.ErrorBudget {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sawClock(now)
	window := pitwall.Period{From: now.Add(-l.whole(s.Window)), To: now}
	sum := l.tally(s.Name, window)
	b := pitwall.ErrorBudget{
		SLO: s.Name, At: now, Target: s.Target, Counts: sum.Counts,
		Maths: pitwall.Maths{Formula: spentFormula, Period: window, Good: sum.Good, Bad: sum.Bad, Query: Describe(s.SLI), At: now},
	}
	share := budgetShare(s.Target)
	if ratio, ok := sum.ErrorRatio(); ok && share > 0 {
		b.Known, b.Spent = true, pitwall.Ratio(float64(ratio)/share)
	}
	if from, to := l.stepsOf(window); to > from {
		b.Coverage = pitwall.Ratio(float64(sum.seen) / float64(to-from))
	}
	var nearest *pitwall.TierState
	for _, t := range s.Tiers {
		b.Tiers = append(b.Tiers, l.tier(s, t, now))
	}
	for i := range b.Tiers {
		if nearest == nil || b.Tiers[i].Tier.Long < nearest.Tier.Long {
			nearest = &b.Tiers[i]
		}
	}
	if nearest == nil || nearest.Long.Total() == 0 || share <= 0 {
		return b
	}
	b.BurnRate, b.BurnKnown = nearest.LongRate, true
	if b.Known && b.Spent < 1 && b.BurnRate > 1 {
		b.EndsIn = time.Duration(float64(b.Remaining()) * float64(s.Window) / b.BurnRate)
	}
	return b
}

// Burning gives the worst tier that fires and opens a plan.
func (l *Ledger) Burning(s pitwall.SLO, now time.Time) (pitwall.Burn, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sawClock(now)
	for _, t := range s.Tiers {
		if !t.OpensPlan {
			continue
		}
		if state := l.tier(s, t, now); state.Firing {
			return pitwall.Burn{SLO: s.Name, At: now, State: state}, true
		}
	}
	return pitwall.Burn{}, false
}

// sawClock remembers that an instant is real, so that events near it are not
// taken for a sender's broken clock.
func (l *Ledger) sawClock(now time.Time) {
	l.clock = max(l.clock, now.UnixNano()/int64(l.step))
}

// tier evaluates one tier. It fires when both windows burn faster than the
// factor, the long one lies wholly in the time that is known, at least MinBad
// events of it are bad, and so many would be seen with a probability below alpha if the true ratio were only at the limit:
// P[X ≥ bad], X ~ Bin(total, factor × (1 − target)). The last keeps one failure
// of three requests from paging; with much traffic it says the same as the
// ratio.
func (l *Ledger) tier(s pitwall.SLO, t pitwall.BurnTier, now time.Time) pitwall.TierState {
	t.Long, t.Short = l.whole(t.Long), l.whole(t.Short)
	st := pitwall.TierState{
		Tier:  t,
		Long:  l.tally(s.Name, pitwall.Period{From: now.Add(-t.Long), To: now}).Counts,
		Short: l.tally(s.Name, pitwall.Period{From: now.Add(-t.Short), To: now}).Counts,
	}
	long, ok1 := st.Long.ErrorRatio()
	short, ok2 := st.Short.ErrorRatio()
	share := budgetShare(s.Target)
	st.Known = ok1 && ok2 && share > 0
	if share > 0 {
		st.LongRate, st.ShortRate = float64(long)/share, float64(short)/share
	}
	if !st.Known {
		st.Expr = fmt.Sprintf("burn rate > %.4g over %s and over %s: no requests", t.Factor, brief(t.Long), brief(t.Short))
		return st
	}
	st.Expr = fmt.Sprintf("burn rate > %.4g over %s and over %s: %.4g (%d of %d bad) and %.4g (%d of %d bad)",
		t.Factor, brief(t.Long), brief(t.Short), st.LongRate, st.Long.Bad, st.Long.Total(), st.ShortRate, st.Short.Bad, st.Short.Total())
	lim := limitOf(t.Factor, s.Target)
	if !lim.exceeded(st.Long) || !lim.exceeded(st.Short) {
		return st
	}
	switch seen := l.seen(s.Name, now); {
	case seen < t.Long:
		st.Expr += fmt.Sprintf("; held back: only %s of the long window are known yet", brief(seen.Round(l.step)))
	case st.Long.Bad < t.MinBad:
		st.Expr += fmt.Sprintf("; held back: fewer than %d bad", t.MinBad)
	case stats.BinomialTail(int64(st.Long.Bad), int64(st.Long.Total()), lim.approx) >= alpha(t.Action):
		st.Expr += fmt.Sprintf("; held back: so few requests show that by chance with probability above %g", alpha(t.Action))
	default:
		st.Firing = true
	}
	return st
}

// seen is how long an SLO's requests have been counted. A tier says that a
// share of the budget is spent within its long window; as long as the window
// reaches back before the first request, the ratio over the little that is
// known would stand for the whole of it, and a slow tier would fire on minutes.
func (l *Ledger) seen(name pitwall.SLOName, now time.Time) time.Duration {
	k := l.books[name]
	if k == nil || k.born < 0 {
		return 0
	}
	return now.Sub(time.Unix(0, k.born*int64(l.step)))
}

// whole rounds a window up to whole steps, at least one.
func (l *Ledger) whole(d time.Duration) time.Duration {
	return time.Duration(max(1, ceil(int64(d), int64(l.step)))) * l.step
}

// brief prints a duration without its empty parts: 15m, not 15m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// alpha is the chance at which a tier may fire on a service that only just
// keeps to its limit: less where somebody is woken.
func alpha(a pitwall.Action) float64 {
	if a == pitwall.ActionPage {
		return 0.01
	}
	return 0.05
}
