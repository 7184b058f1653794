package diagnose

import (
	"fmt"
	"math"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/excess"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
	"github.com/pitwall/pitwall/internal/prof"
)

// evidence makes one fact of a finding.
func evidence(f *finding, claim string, s fold.Shift, u pitwall.Unit, query string) pitwall.Evidence {
	e := pitwall.Evidence{Check: f.check, Service: f.at.Service, Claim: claim, Query: query}
	e.Before, e.After = s.Measures(u)
	return e
}

// seriesEvidence is a moved series as evidence: its medians before and after,
// of so many rows, and what to look at.
func seriesEvidence(check string, m excess.Move) pitwall.Evidence {
	e := pitwall.Evidence{Check: check, Service: m.Service, Claim: wordMove(m), Query: fmt.Sprintf("%s of %s", seriesName(m), m.Service)}
	if unit := unitOf(m); unit != "" && m.Stat != "rate" && !math.IsNaN(m.Before+m.After) {
		e.Before, e.After = fold.Shift{Before: m.Before, After: m.After, N0: int64(m.N0), N1: int64(m.N1)}.Measures(unit)
	}
	return e
}

// signEvidence is a sign as evidence: a series, or so many lines.
func signEvidence(check string, g sign) pitwall.Evidence {
	if g.move != nil {
		e := seriesEvidence(check, *g.move)
		e.Claim = g.claim
		return e
	}
	e := pitwall.Evidence{Check: check, Service: g.service, Claim: g.claim}
	if g.lines > 0 {
		e.After = pitwall.Measure{Value: g.lines, Unit: pitwall.UnitCount, N: int64(g.lines)}
		e.Query = "log lines of " + string(g.service)
	}
	return e
}

// own makes the number a hypothesis stands or falls by.
func own(name string, at fold.Operation, field string, s fold.Shift, u pitwall.Unit) pitwall.OwnSignal {
	o := pitwall.OwnSignal{Name: name, Service: at.Service, Operation: at.Name, Field: field}
	o.Before, o.After = s.Measures(u)
	return o
}

// ownOfCall is own for the calls of one kind, as their caller sees them.
func (x *inquiry) ownOfCall(id int, name, field string, s fold.Shift, u pitwall.Unit) pitwall.OwnSignal {
	c := x.g.Calls[id]
	at := fold.Operation{Service: x.g.Ops[c.From].Service, Name: c.Name}
	o := own(fmt.Sprintf(name, c.Name, at.Service), at, field, s, u)
	o.Call = &pitwall.OwnCall{To: c.Peer, Statement: c.Statement}
	return o
}

// arrow words before and after only: "45 ms → 160 ms".
func arrow(s fold.Shift, word func(float64) string) string {
	return fmt.Sprintf("%s → %s", word(s.Before), word(s.After))
}

// handlesBytes says whether a frame family's work grows with the size of bodies.
func handlesBytes(family string) bool {
	switch prof.Family(family) {
	case prof.FamilyGC, prof.FamilyAllocation, prof.FamilySerialisation, prof.FamilyCompression, prof.FamilySyscall, prof.FamilyCrypto:
		return true
	}
	return false
}
