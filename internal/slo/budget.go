package slo

import (
	"math"
	"time"

	"github.com/pitwall/pitwall"
)

// Look says how a budget is looked at.
type Look struct {
	Now time.Time
	// Blind: what feeds the objective is known to be down. Then silence is
	// missing telemetry, not lost traffic.
	Blind bool
	// Since is when somebody began to listen; zero: ever since. Silence from before
	// is no lost traffic: nobody was there to hear.
	Since time.Time
	// Words asks for Maths and for every tier's Expr. Without it only tiers that
	// fire, or are held back, are worded.
	Words bool
}

// Budget is the state of an SLO's error budget at an instant, from the counts
// of the SLO of that name, with all its arithmetic in words. Target, window and
// tiers are those given, so a what-if needs no second ledger. "Local midnight" is
// that of the calendar's zone, else of the zone that now is given in.
func (l *Ledger) Budget(s pitwall.SLO, now time.Time) pitwall.ErrorBudget {
	return l.Judge(s, Look{Now: now, Words: true})
}

// Evaluate is Budget without words, for looking at every objective at each tick.
// Its numbers are the same.
func (l *Ledger) Evaluate(s pitwall.SLO, now time.Time) pitwall.ErrorBudget {
	return l.Judge(s, Look{Now: now})
}

// Judge gives the state of an SLO's error budget.
//
// Formulas (Google SRE Workbook, chapter 5), B = 1 − target, e = bad/total:
// spent = e(W)/B; burn rate over w = e(w)/B. EndsIn is the first instant at which
// the window's bad events reach B × its events, with new ones coming at the pace
// of now and old ones leaving. Maths has the formula of every number.
func (l *Ledger) Judge(s pitwall.SLO, look Look) pitwall.ErrorBudget {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sawClock(look.Now)
	return l.judge(s, look).budget()
}

// Burning gives the worst tier that fires and opens a plan. Tiers that must hold
// for a while need a memory and are left to a Watcher.
func (l *Ledger) Burning(s pitwall.SLO, now time.Time) (pitwall.Burn, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sawClock(now)
	j := l.judge(s, Look{Now: now})
	for _, t := range s.Tiers {
		if !t.OpensPlan || t.For > 0 {
			continue
		}
		if state := j.tier(t); state.Firing && Opens(state) {
			return pitwall.Burn{SLO: s.Name, At: now, State: state}, true
		}
	}
	return pitwall.Burn{}, false
}

// Opens says whether a firing tier opens a plan now. A tier about what was spent
// goes on firing long after the trouble is over; it opens a plan only while the
// budget burns faster than its factor, or than 1.
func Opens(st pitwall.TierState) bool {
	switch st.Tier.When {
	case pitwall.WhenRemaining, pitwall.WhenSpent:
		return st.Tier.OpensPlan && st.Known && st.LongRate > max(1, st.Tier.Factor)
	}
	return st.Tier.OpensPlan
}

// judge looks at one objective at one instant, with the ledger's lock held.
type judge struct {
	*gauge
	look  Look
	whole pitwall.Period // the window; of a calendar it ends in the future
	past  pitwall.Period // what of it is over
	sum   measure        // of past
	age   time.Duration  // since anything was counted
	edge  time.Time      // where windows that end now end: what is counted ends there
	pace  pace           // of now
	rest  *forecast      // of a calendar period, once asked for

	remainders []remainder // of a rolling window, as far as asked for
}

// pace is what comes a second, read over a window that ends now.
type pace struct {
	measure
	rate rate
	over time.Duration
}

func (l *Ledger) judge(s pitwall.SLO, look Look) *judge {
	j := &judge{gauge: l.gauge(s), look: look, whole: PeriodAt(s, look.Now), edge: look.Now}
	if s.Calendar == nil {
		j.whole.From = look.Now.Add(-l.whole(s.Window))
	}
	j.past = pitwall.Period{From: j.whole.From, To: look.Now}
	j.sum = j.read(j.past)
	j.age = j.seen(look.Now)
	// Queries are behind by their own delay; a window of the last minutes must not
	// look at minutes nobody asked about yet.
	for _, name := range append([]pitwall.SLOName{s.Name}, memberNames(s)...) {
		k := l.books[name]
		if k == nil || k.through <= 0 {
			continue
		}
		if through := time.Unix(l.unix(k.through), 0); through.Before(j.edge) && look.Now.Sub(through) < lateness {
			j.edge = through
		}
	}
	return j
}

func memberNames(s pitwall.SLO) (names []pitwall.SLOName) {
	if s.SLI.Composite != nil {
		for _, m := range s.SLI.Composite.Members {
			names = append(names, m.SLO)
		}
	}
	return names
}

// last reads a window that ends now.
func (j *judge) last(d time.Duration) measure {
	if d <= 0 {
		return measure{}
	}
	return j.read(pitwall.Period{From: j.edge.Add(-d), To: j.edge})
}

// paceOver is what comes a second by a window that ends now, or by as much of it
// as is known.
func (j *judge) paceOver(d time.Duration) pace {
	d = j.l.whole(min(d, max(j.age-j.look.Now.Sub(j.edge), j.l.step)))
	m := j.last(d)
	return pace{measure: m, rate: m.over(d), over: d}
}

func (j *judge) budget() pitwall.ErrorBudget {
	now := j.look.Now
	b := pitwall.ErrorBudget{
		SLO: j.s.Name, At: now, Target: j.s.Target, Counts: j.sum.counts, Window: j.whole,
		Coverage: j.coverage(j.past, j.sum), Slices: j.sum.slices, Corrected: j.corrected(j.past),
	}
	b.Spent, b.Known = j.spent()
	if allowed := j.allowance(); b.Known && allowed > 0 {
		b.LeftOfWhole = pitwall.Ratio(math.Round((1-j.sum.bad/allowed)*1e12) / 1e12)
	}
	j.pace = j.paceOver(j.nearest())
	b.Tiers = make([]pitwall.TierState, 0, len(j.s.Tiers))
	for _, t := range j.s.Tiers {
		b.Tiers = append(b.Tiers, j.tier(t))
	}
	if j.pace.known() {
		b.BurnRate, b.BurnKnown = j.pace.burn(), true
	}
	if b.Known && b.Spent < 1 && b.BurnKnown {
		if d, ends := j.endsIn(j.pace.rate); ends {
			b.EndsIn = d
		}
	}
	if p, ok := j.projected(); ok {
		b.Projected = &p
	}
	if j.look.Words {
		b.Maths = j.maths(b)
	}
	return b
}

// nearest is the window over which the burn rate of now is read: the long one of
// the shortest burn tier; without tiers an hour of a month.
func (j *judge) nearest() time.Duration {
	least := time.Duration(0)
	for _, t := range j.s.Tiers {
		if (t.When == "" || t.When == pitwall.WhenBurn) && (least == 0 || t.Long < least) {
			least = t.Long
		}
	}
	if least == 0 {
		least = j.s.Window / 720
	}
	return max(least, j.l.step)
}

// spent is the share of the budget that is used. Of slices it is a share of all
// slices of the full period, those to come too.
func (j *judge) spent() (pitwall.Ratio, bool) {
	if !j.sum.complete() {
		return 0, false
	}
	allowed := j.sum.allowed
	if j.sum.slices != nil {
		allowed += j.share * j.slicesIn(pitwall.Period{From: j.look.Now, To: j.whole.To})
		return pitwall.Ratio(j.sum.bad / allowed), true
	}
	if j.sum.exact != nil { // as it always was written: e/B
		e, _ := j.sum.trials.ErrorRatio()
		return pitwall.Ratio(float64(e) / BudgetShare(*j.sum.exact)), true
	}
	return pitwall.Ratio(j.sum.bad / allowed), true
}

// allowance is how many bad events the whole window allows. What of a rolling
// window lies before the first event, and what of a calendar one lies ahead, is
// taken to have traffic too: a month's budget is not gone because its first hour
// was bad.
func (j *judge) allowance() float64 {
	if j.s.Calendar != nil {
		return j.sum.allowed + j.ahead().allowed
	}
	return j.sum.allowed + j.unseen(0)
}

// unseen is what a rolling window's time before the first event would allow, at
// the mean traffic known, once t has passed and that much of it has left.
func (j *judge) unseen(t time.Duration) float64 {
	left := j.whole.Duration() - j.age - t
	if left <= 0 || j.age <= 0 {
		return 0
	}
	return j.sum.allowed / j.age.Seconds() * left.Seconds()
}

// corrected is how much of a period corrections leave out; of a composite the
// most of any member.
func (g *gauge) corrected(p pitwall.Period) time.Duration {
	if g.s.SLI.Composite == nil {
		return g.l.corrected(g.s.Name, p)
	}
	var most time.Duration
	for i := range g.members {
		most = max(most, g.members[i].corrected(p))
	}
	return most
}

// sawClock remembers that an instant is real, so that events near it are not
// taken for a sender's broken clock.
func (l *Ledger) sawClock(now time.Time) {
	l.clock = max(l.clock, now.UnixNano()/int64(l.step))
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
	return max(0, now.Sub(time.Unix(l.unix(k.born), 0)))
}

// Seen is how long an objective has been counted; zero: nothing yet.
func (l *Ledger) Seen(name pitwall.SLOName, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen(name, now)
}

// whole rounds a window up to whole steps, at least one.
func (l *Ledger) whole(d time.Duration) time.Duration {
	return time.Duration(max(1, ceil(int64(d), int64(l.step)))) * l.step
}
