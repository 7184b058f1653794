package detect

import (
	"fmt"
	"slices"
	"time"
)

// longestQuiet is the longest time for which a series that flaps may be quiet.
const longestQuiet = 24 * time.Hour

// waiting is the number of the entry that waits for this change; -1: none. A
// young change's onset is still being moved about, by as much as it waits for.
func (l *look) waiting(c Candidate) int {
	for _, i := range l.waits[c.Series] {
		w := l.s.Waiting[i]
		if w.Candidate.Up == c.Up && !l.seen[i] &&
			overlap(widened(w.Candidate.Onset, time.Duration(w.Need)*w.Candidate.Step), widened(c.Onset, c.Step)) {
			return i
		}
	}
	return -1
}

// already answers changes that are in a finding or an open plan.
func (l *look) already(c Candidate) (NotReported, bool) {
	here := widened(c.Onset, c.Step)
	for _, i := range l.known[c.Series] {
		f := &l.s.Found[i]
		at := slices.IndexFunc(f.Members, func(m Member) bool { return m.Series == c.Series && m.Up == c.Up && overlap(m.Onset, here) })
		if at < 0 {
			continue
		}
		f.Last = l.in.Now
		share, speaks := c.left(c.Confirm(), c.Points-c.Needed)
		switch {
		case speaks && share < halfway && f.Gone.IsZero() && at == 0:
			f.Gone = l.in.Now
			return NotReported{Candidate: c, Reason: ReasonWentAway, Value: share, Limit: halfway, Of: f.ID,
				Why: fmt.Sprintf("Found as %s, it is gone: of %s the newest %d points show %s.", f.ID, percent(c.Effect), c.RecentN, percent(c.Recent))}, true
		case speaks && share >= halfway && !f.Gone.IsZero():
			return NotReported{}, false // back again
		}
		return NotReported{Candidate: c, Reason: ReasonDuplicate, Of: f.ID, Why: fmt.Sprintf("It is in %s since %s.", f.ID, clock(f.Seen))}, true
	}
	for _, t := range l.in.Troubles {
		r := t.Regression
		if r.Service == c.Series.Service && r.Signal == c.Series.Signal && (r.Operation == "" || r.Operation == c.Series.Operation) && overlap(r.Onset, here) {
			return NotReported{Candidate: c, Reason: ReasonDuplicate, Of: string(t.Plan), Why: fmt.Sprintf("%s is at work on it.", t.Plan)}, true
		}
	}
	return NotReported{}, false
}

// unsettled holds a change back until enough points after those that showed it
// have come, and drops it when they show that it is gone.
func (l *look) unsettled(c Candidate, at int) (NotReported, bool) {
	w := Waiting{Candidate: c, From: c.Needed, Need: c.Confirm(), Last: l.in.Now}
	if at >= 0 {
		w.From, w.Need = l.s.Waiting[at].From, l.s.Waiting[at].Need
	}
	more := c.Points - w.From
	share, speaks := c.left(w.Need, more)
	if speaks && more >= w.Need && share < halfway {
		if at >= 0 {
			l.s.Waiting[at].Settled = true // answered; dropped when it is no longer presented
		}
		return NotReported{Candidate: c, Reason: ReasonWentAway, Value: share, Limit: halfway,
			Why: fmt.Sprintf("Of %s the newest %d points show %s.", percent(c.Effect), c.RecentN, percent(c.Recent))}, true
	}
	have := more
	if c.RecentN > 0 && !speaks {
		have = min(more, c.RecentN)
	}
	w.Settled = have >= w.Need
	if at >= 0 {
		l.s.Waiting[at] = w
	} else {
		l.s.Waiting = append(l.s.Waiting, w)
	}
	if w.Settled {
		return NotReported{}, false
	}
	return NotReported{Candidate: c, Reason: ReasonUnsettled, Value: float64(have), Limit: float64(w.Need),
		Why: fmt.Sprintf("%d more points are needed: %d of %d have come since it was seen.", w.Need-have, have, w.Need)}, true
}

// vanished answers what waited and was not presented although its service was
// asked: the detector took it back.
func (l *look) vanished() {
	var still []Waiting
	for i, w := range l.s.Waiting {
		_, asked := l.budgets[w.Candidate.Series.Service]
		switch {
		case i >= len(l.seen) || l.seen[i]:
			still = append(still, w)
		case w.Settled && asked:
		case asked:
			l.not(NotReported{Candidate: w.Candidate, Reason: ReasonWentAway, Limit: halfway, Waited: true,
				Why: fmt.Sprintf("It was seen for the last time at %s, before it was confirmed.", clock(w.Last))})
		case l.in.Now.Sub(w.Last) >= l.s.Limits.Epoch:
			if !w.Settled {
				l.not(NotReported{Candidate: w.Candidate, Reason: ReasonNoData, Waited: true,
					Why: fmt.Sprintf("Its service was not looked at since %s.", clock(w.Last))})
			}
		default:
			still = append(still, w)
		}
	}
	slices.SortFunc(still, func(a, b Waiting) int { return compareCandidates(&a.Candidate, &b.Candidate) })
	l.s.Waiting = still
}

// ends answers a change that brings a finding's lead back to its old level.
func (l *look) ends(c *Candidate) bool {
	for _, i := range slices.Backward(l.known[c.Series]) {
		f := &l.s.Found[i]
		m := f.Members[0]
		if m.Series != c.Series || m.Up == c.Up || !f.Gone.IsZero() || !c.Onset.At.After(m.Onset.Earliest) ||
			!c.After.Known() || !nearer(c.After.Value, m.Before, m.After) {
			continue
		}
		f.Gone, f.Last = l.in.Now, l.in.Now
		l.not(NotReported{Candidate: *c, Reason: ReasonWentAway, Value: leftOf(m, c.After.Value), Limit: halfway, Of: f.ID,
			Why: fmt.Sprintf("It ends %s: the series is back near its level before it, %.4g, at %.4g.", f.ID, m.Before, c.After.Value)})
		return true
	}
	return false
}

func (l *look) leadBack(c *Candidate) bool { return l.back(c, true) }

func (l *look) partBack(c *Candidate) bool { return l.back(c, false) }

// back answers a change of a series whose finding was gone for less time than
// it stood, at most a day: a flap. What comes back later is news, such as a
// trouble after its plan was closed.
func (l *look) back(c *Candidate, lead bool) bool {
	for _, i := range slices.Backward(l.known[c.Series]) {
		f := &l.s.Found[i]
		at := slices.IndexFunc(f.Members, func(m Member) bool { return m.Series == c.Series && m.Up == c.Up })
		if at < 0 || f.Gone.IsZero() || lead && at != 0 || c.Toward() == Better {
			continue
		}
		if stood := f.Gone.Sub(f.Onset.At); c.Onset.At.Sub(f.Gone) >= min(stood, longestQuiet) {
			continue
		}
		l.flap(f, at, *c)
		return true
	}
	return false
}

// leftOf is the share of a member's move that a level still shows.
func leftOf(m Member, level float64) float64 {
	if m.After == m.Before {
		return 0
	}
	return (level - m.Before) / (m.After - m.Before)
}

// flap gives a finding once more, with the label, and later only counts.
func (l *look) flap(f *Found, at int, c Candidate) {
	f.Flaps++
	f.Gone, f.Last = time.Time{}, l.in.Now
	f.Members = slices.Clone(f.Members)
	f.Members[at] = memberOf(c)
	f.Onset = f.Members[at].Onset
	if f.Flaps > 1 {
		l.not(NotReported{Candidate: c, Reason: ReasonFlapping, Value: float64(f.Flaps), Limit: 1, Of: f.ID,
			Why: fmt.Sprintf("%s came back %d times since %s: tune the detector of this series anew.", f.ID, f.Flaps, clock(f.Seen))})
		return
	}
	again := Finding{ID: f.ID, Toward: c.Toward(), Lead: c, Onset: c.Onset, Seen: f.Seen, Flaps: f.Flaps, Labels: append(labels(c), ReasonFlapping)}
	again.Why = again.sentence() + " It was found, gone and is back: tune the detector of this series anew."
	l.out.Findings = append(l.out.Findings, again)
}
