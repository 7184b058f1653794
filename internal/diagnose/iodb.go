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
		if !s.Up(timeGrew) {
			continue
		}
		at := x.g.Ops[c.From]
		f := &finding{check: checkIODB, class: pitwall.BottleneckIODB, at: at, shift: s}
		f.covers, f.explained = x.cover(partLeaf, id)
		f.explained *= x.slower(id)
		f.claim = fmt.Sprintf("%s of %s takes longer: %s, called as often", c.Name, at.Service, movedPer(s, duration, " per call"))
		f.signal = own(fmt.Sprintf("duration of %s in %s, median", c.Name, at.Service), fold.Operation{Service: at.Service, Name: c.Name}, "duration", s, pitwall.UnitSeconds)
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
	return hits(list, things(seen, "statement")+" took as long per call as before")
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
// than from more of them: ΔT = Δt·n̄ + Δn·t̄.
func (x *inquiry) slower(id int) float64 {
	n, t := x.calls(id), fold.Compare(x.base.Call(id).Took, x.head.Call(id).Took)
	slow := (t.After - t.Before) * (n.Before + n.After) / 2
	more := (n.After - n.Before) * (t.Before + t.After) / 2
	if slow+more <= 0 || slow <= 0 {
		return 0
	}
	return min(1, slow/(slow+max(0, more)))
}
