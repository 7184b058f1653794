package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// timeGrew is by what factor the time of one call, one hop or one run must
// grow to be a finding.
const timeGrew = 1.3

// ioDB asks whether a database statement takes longer while it runs as often
// as before: a dropped index, a larger table, a slower disk.
func ioDB(x *inquiry) result {
	var list []*finding
	seen := 0
	for id, c := range x.g.Calls {
		if !c.DB {
			continue
		}
		seen++
		s := fold.Compare(x.base.Call(id).Took, x.head.Call(id).Took)
		at := x.g.Ops[c.From]
		if f := x.newStatement(id); f != nil {
			list = append(list, f)
			continue
		}
		if !s.Up(timeGrew) {
			continue
		}
		f := &finding{check: checkIODB, class: pitwall.BottleneckIODB, at: at, shift: s}
		f.covers, f.explained = x.cover(partLeaf, id)
		f.explained *= x.slower(id)
		f.claim = fmt.Sprintf("%s of %s takes longer: %s, called as often", c.Name, at.Service, movedPer(s, duration, " per call"))
		f.signal = x.ownOfCall(id, "duration of %s in %s, median", "duration", s, pitwall.UnitSeconds)
		f.evidence = append(f.evidence, evidence(f, f.claim, s, pitwall.UnitSeconds, ""))
		if c.Statement != "" {
			f.evidence = append(f.evidence, evidence(f, "the statement is "+clip(c.Statement, 160), s, pitwall.UnitSeconds, ""))
		}
		f.disproof = fmt.Sprintf("If the change is undone and %s still takes more than %s", c.Name, duration(s.Before*1.3))
		list = append(list, f)
	}
	if seen == 0 {
		return skipped("no database span on the path: instrument the database driver (db.query.text, db.system.name)")
	}
	x.coverWaits(list)
	return hits(list, things(seen, "statement")+" took as long per call as before")
}

// newStatement is the finding against a statement that was not made before: it
// stands in the place of those of the same operation that vanished, or is
// additional work. One that is made over and over is an n+1.
func (x *inquiry) newStatement(id int) *finding {
	c := x.g.Calls[id]
	n := x.calls(id)
	if n.Before != 0 || n.After == 0 || n.After > callsMany || !n.Beyond {
		return nil
	}
	covers, added := x.cover(partLeaf, id)
	for _, old := range x.g.CallsOf(c.From) {
		gone := x.calls(old)
		if !x.g.Calls[old].DB || gone.After > 0 || gone.Before == 0 {
			continue
		}
		more, _ := x.cover(partLeaf, old)
		for i := range more {
			covers[i] = true
			added += x.places[i].delta() // what the vanished statement took is saved
		}
	}
	if added <= 0 {
		return nil
	}
	at := x.g.Ops[c.From]
	took := fold.Compare(x.head.Call(id).Took, x.head.Call(id).Took)
	f := &finding{check: checkIODB, class: pitwall.BottleneckIODB, at: at, shift: n, covers: covers, explained: added}
	f.claim = fmt.Sprintf("%s makes a statement that it did not make before, %s, which takes %s", at, c.Name, duration(took.After))
	f.signal = own("calls made by one "+at.String()+", mean", at, "children",
		fold.Compare(x.base.Op(c.From).Children, x.head.Op(c.From).Children), pitwall.UnitCount)
	f.evidence = append(f.evidence, evidence(f, f.claim, n, pitwall.UnitCount, ""))
	if c.Statement != "" {
		f.evidence = append(f.evidence, evidence(f, "the statement is "+clip(c.Statement, 160), n, pitwall.UnitCount, ""))
	}
	f.disproof = fmt.Sprintf("If the change is undone and %s is still made", c.Name)
	return f
}

// cover is one place and what it added.
func (x *inquiry) cover(p part, id int) (map[int]bool, float64) {
	covers := map[int]bool{}
	for i, pl := range x.places {
		if pl.part == p && pl.id == id {
			covers[i] = true
			return covers, max(0, pl.delta())
		}
	}
	return covers, 0
}

// slower is the part of a call's increase that comes from slower calls rather
// than from more of them, wherever in the request the more came from.
func (x *inquiry) slower(id int) float64 {
	n := fold.Compare(x.base.PerRequest(x.base.Call(id).N), x.head.PerRequest(x.head.Call(id).N))
	return slowPart(n, fold.Compare(x.base.Call(id).Took, x.head.Call(id).Took))
}

// slowPart splits the increase of n things that take t each into that of the
// time and that of the number: ΔT = Δt·n̄ + Δn·t̄. It gives the share of the time.
func slowPart(n, t fold.Shift) float64 {
	slow := (t.After - t.Before) * (n.Before + n.After) / 2
	more := (n.After - n.Before) * (t.Before + t.After) / 2
	if slow+more <= 0 || slow <= 0 {
		return 0
	}
	return min(1, slow/(slow+max(0, more)))
}
