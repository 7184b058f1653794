package detect

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
)

// mostSameTime bounds the list of findings elsewhere at the same time: whoever
// sees twenty looks for what they share and not for the twenty-first.
const mostSameTime = 20

// report turns what passed into findings, as far as the level allows, and tells
// the rest why not.
func (l *look) report() {
	list := l.groups(l.passing)
	k := chosen(list, l.s.Count)
	stand := l.s.Count + k
	fresh := len(l.out.Findings) // before them: those that are back
	for _, g := range list {
		if g.need > stand {
			for _, c := range g.members {
				l.not(l.insignificant(*c, stand+1))
			}
			continue
		}
		l.out.Findings = append(l.out.Findings, l.finding(g, stand))
	}
	l.s.Count = stand
	for _, f := range l.out.Findings[fresh:] {
		l.remember(f)
	}
	l.improvements()
	slices.SortFunc(l.out.Findings, func(a, b Finding) int {
		return cmp.Or(a.Onset.At.Compare(b.Onset.At), compareCandidates(&a.Lead, &b.Lead))
	})
	slices.SortFunc(l.out.Joined, func(a, b Joined) int { return compareCandidates(&a.Candidate, &b.Candidate) })
	slices.SortFunc(l.s.Found, func(a, b Found) int { return cmp.Or(a.Seen.Compare(b.Seen), cmp.Compare(a.ID, b.ID)) })
	l.sameTime()
}

// finding chooses the lead of a group among those that pass by themselves:
// what is worse before what nobody can judge, the deepest of the call graph,
// then the strongest evidence and the largest effect. Which began first is not
// asked: the onsets of a group overlap, so their order cannot be told.
func (l *look) finding(g group, stand int) Finding {
	alone := func(c *Candidate) bool { return c.need(l.budgets[c.Series.Service].of(c)) <= stand }
	depth := l.graph.depth(servicesOf(g.members))
	better := func(a, b *Candidate) int {
		n := cmp.Or(
			compareBool(!alone(a), !alone(b)),
			compareBool(a.Toward() != Worse, b.Toward() != Worse),
			cmp.Compare(depth[a.Series.Service], depth[b.Series.Service]),
			cmp.Compare(b.strength(), a.strength()),
			cmp.Compare(math.Abs(b.Effect), math.Abs(a.Effect)))
		if n != 0 {
			return n
		}
		return compareCandidates(a, b)
	}
	members := slices.SortedFunc(slices.Values(g.members), better)
	lead := *members[0]
	f := Finding{Toward: lead.Toward(), Lead: lead, Onset: at(g.onset, lead.Onset.At), Seen: l.in.Now, Labels: labels(lead)}
	f.ID = l.id(lead)
	for _, c := range members[1:] {
		f.Parts = append(f.Parts, Part{Candidate: *c, Relation: l.relation(lead.Series, c.Series), Toward: c.Toward(), Alone: alone(c)})
	}
	slices.SortStableFunc(f.Parts, func(a, b Part) int { return cmp.Compare(a.Relation.rank(), b.Relation.rank()) })
	f.Why = f.sentence()
	return f
}

// strength makes p-values and e-values comparable: the log of the e-value, or
// what a p-value is worth as one at best.
func (c *Candidate) strength() float64 {
	if c.LogE != 0 {
		return c.LogE
	}
	return -math.Log(max(c.P, math.SmallestNonzeroFloat64))
}

// id is the name of a finding, the same for the same lead and onset; a name
// that is taken gets a tail.
func (l *look) id(c Candidate) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %v %d", c.Series, c.Up, c.Onset.At.UnixNano())
	id := fmt.Sprintf("F-%010x", h.Sum64()>>24)
	name := id
	for n := 2; l.ids[name]; n++ {
		name = fmt.Sprintf("%s-%d", id, n)
	}
	l.ids[name] = true
	return name
}

// labels are what qualifies a change that is reported nevertheless.
func labels(c Candidate) []ReasonCode {
	if c.explained(c.Load) {
		return []ReasonCode{ReasonTraffic}
	}
	return nil
}

// relation is how the series b stands to a lead a.
func (l *look) relation(a, b pitwall.SeriesName) Relation {
	switch {
	case a.Service == b.Service && a.Operation == b.Operation && a.Signal == b.Signal && a.Unit == b.Unit && (a.Signal != "" || a.Metric == b.Metric):
		return RelationAlias
	case a.Service == b.Service && a.Operation == b.Operation:
		return RelationOperation
	case a.Service == b.Service:
		return RelationService
	case l.graph.calls[b.Service][a.Service]:
		return RelationCaller
	case l.graph.calls[a.Service][b.Service]:
		return RelationCallee
	}
	return RelationGraph
}

func (r Relation) rank() int {
	return slices.Index([]Relation{RelationAlias, RelationOperation, RelationService, RelationCaller, RelationCallee, RelationGraph}, r)
}

// remember keeps a finding for the looks to come.
func (l *look) remember(f Finding) {
	kept := Found{ID: f.ID, Lead: f.Lead.Series, Members: []Member{memberOf(f.Lead)}, Onset: f.Onset, Seen: f.Seen, Last: f.Seen}
	for _, p := range f.Parts {
		kept.Members = append(kept.Members, memberOf(p.Candidate))
	}
	i := len(l.s.Found)
	l.s.Found = append(l.s.Found, kept)
	for _, m := range kept.Members {
		l.near(m.Series.Service, i)
	}
}

// near notes that a finding has a part in a service.
func (l *look) near(s pitwall.ServiceName, found int) {
	if !slices.Contains(l.nearby[s], found) {
		l.nearby[s] = append(l.nearby[s], found)
	}
}

// joins is the number of the finding in work that a change belongs to: one that
// may have begun at the same moment, here or next to here in the call graph,
// the nearest in time first; -1: none.
func (l *look) joins(c *Candidate) int {
	here, best := widened(c.Onset, c.Step), -1
	try := func(s pitwall.ServiceName) {
		for _, i := range l.nearby[s] {
			f := &l.s.Found[i]
			if !f.Gone.IsZero() || !overlap(f.Onset, here) {
				continue
			}
			if best < 0 {
				best = i
				continue
			}
			b := &l.s.Found[best]
			if cmp.Or(cmp.Compare(f.Onset.At.Sub(c.Onset.At).Abs(), b.Onset.At.Sub(c.Onset.At).Abs()), cmp.Compare(f.ID, b.ID)) < 0 {
				best = i
			}
		}
	}
	try(c.Series.Service)
	for _, s := range l.graph.next[c.Series.Service] {
		try(s)
	}
	return best
}

// join makes a change a part of a finding that is known.
func (l *look) join(i int, c *Candidate) {
	f := &l.s.Found[i]
	alone := c.need(l.budgets[c.Series.Service].of(c)) <= l.s.Count+1 && c.Toward() != Better
	l.out.Joined = append(l.out.Joined, Joined{Finding: f.ID, Part: Part{Candidate: *c, Relation: l.relation(f.Lead, c.Series), Toward: c.Toward(), Alone: alone}})
	f.Members, f.Last = append(f.Members, memberOf(*c)), l.in.Now
	l.near(c.Series.Service, i)
}

// improvements puts what became better beside the finding it belongs to, for
// fast failures explain a better latency. By itself it is none.
func (l *look) improvements() {
	for _, c := range l.helpful {
		i := l.joins(c)
		if i < 0 {
			l.not(NotReported{Candidate: *c, Reason: ReasonImprovement,
				Why: fmt.Sprintf("%s moved by %s, which is the better side.", c.Series, percent(c.Effect))})
			continue
		}
		fresh := slices.IndexFunc(l.out.Findings, func(f Finding) bool { return f.ID == l.s.Found[i].ID })
		l.join(i, c)
		if fresh < 0 {
			continue
		}
		n := len(l.out.Joined) - 1
		f := &l.out.Findings[fresh]
		f.Parts = append(f.Parts, l.out.Joined[n].Part)
		l.out.Joined = l.out.Joined[:n]
	}
}

// sameTime marks findings that are not joined by calls but may have begun at
// the same moment.
func (l *look) sameTime() {
	active := slices.DeleteFunc(slices.Clone(l.s.Found), func(f Found) bool { return !f.Gone.IsZero() })
	slices.SortFunc(active, func(a, b Found) int {
		return cmp.Or(a.Onset.Earliest.Compare(b.Onset.Earliest), cmp.Compare(a.ID, b.ID))
	})
	for i := range l.out.Findings {
		f := &l.out.Findings[i]
		for _, other := range active {
			if other.Onset.Earliest.After(f.Onset.Latest) || len(f.SameTime) == mostSameTime {
				break
			}
			if other.ID != f.ID && overlap(other.Onset, f.Onset) {
				f.SameTime = append(f.SameTime, other.ID)
			}
		}
	}
}

// sentence says what was found.
func (f Finding) sentence() string {
	c := f.Lead
	text := fmt.Sprintf("%s moved by %s", c.Series, percent(c.Effect))
	if c.Before.Known() && c.After.Known() {
		text += fmt.Sprintf(", from %.4g to %.4g", c.Before.Value, c.After.Value)
		if c.Series.Unit != "" {
			text += " " + string(c.Series.Unit)
		}
	}
	text += fmt.Sprintf(", since %s", clock(f.Onset.At))
	switch n := len(f.Parts); n {
	case 0:
	case 1:
		text += ", and 1 other series with it"
	default:
		text += fmt.Sprintf(", and %d other series with it", n)
	}
	return text + "."
}
