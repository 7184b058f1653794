package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
	"github.com/pitwall/pitwall/internal/prof"
)

// evidence makes one fact of a finding.
func evidence(f *finding, claim string, s fold.Shift, u pitwall.Unit, query string) pitwall.Evidence {
	e := pitwall.Evidence{Check: f.check, Service: f.at.Service, Claim: claim, Query: query}
	e.Before, e.After = s.Measures(u)
	return e
}

// own makes the number a hypothesis stands or falls by.
func own(name string, at fold.Operation, field string, s fold.Shift, u pitwall.Unit) pitwall.OwnSignal {
	o := pitwall.OwnSignal{Name: name, Service: at.Service, Operation: at.Name, Field: field}
	o.Before, o.After = s.Measures(u)
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
