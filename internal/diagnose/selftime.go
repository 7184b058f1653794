package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
	"github.com/pitwall/pitwall/internal/prof"
)

// onCPU is the part of an operation's growth that must show up as CPU for it to
// be computing rather than waiting.
const onCPU = 0.3

// ownTime asks which operations work longer themselves, and lets the profiles
// of their service say at what: computing (cpu), allocating and collecting
// (allocation), or not running at all (lock). Which one is decided by the part
// that grew most, so one operation is never blamed twice.
func ownTime(x *inquiry) result {
	var list []*finding
	for op, at := range x.g.Ops {
		s := fold.Compare(x.base.Op(op).Self, x.head.Op(op).Self)
		covers, explained := x.cover(partSelf, op)
		if !s.Up(timeGrew) || explained < 0.05*x.increase() {
			continue
		}
		f := &finding{check: checkOwnTime, at: at, shift: s, covers: covers, explained: explained}
		f.signal = own("own time of "+at.String()+", mean", at, "self_time", s, pitwall.UnitSeconds)
		f.disproof = fmt.Sprintf("If the change is undone and own time of %s stays above %s", at, duration(s.Before*1.3))
		x.classifyOwn(f)
		f.evidence = append([]pitwall.Evidence{evidence(f, f.claim, s, pitwall.UnitSeconds, "")}, f.evidence...)
		list = append(list, f)
	}
	return hits(list, "no operation's own work explains a noticeable part of the increase")
}

// classifyOwn names the class of an operation's own growth.
func (x *inquiry) classifyOwn(f *finding) {
	grewBy := f.shift.After - f.shift.Before
	d, missing := x.profile(f.at.Service, pitwall.ProfileCPU)
	words := fmt.Sprintf("own time of %s grew %s", f.at, movedPer(f.shift, duration, " per call"))
	if missing != "" {
		f.class, f.claim = pitwall.BottleneckCPU, words
		f.weak = "no CPU profile tells computing from waiting: " + missing
		f.against = append(f.against, pitwall.Evidence{Check: checkProfile, Service: f.at.Service, Claim: f.weak})
		return
	}
	before, after := total(d)
	f.evidence = append(f.evidence, pitwall.Evidence{
		Check: checkProfile, Service: f.at.Service,
		Claim:  fmt.Sprintf("CPU of %s per request: %s → %s", f.at.Service, duration(before), duration(after)),
		Before: pitwall.Measure{Value: before, Unit: d.Unit, N: 1}, After: pitwall.Measure{Value: after, Unit: d.Unit, N: 1},
	})
	if after-before < onCPU*grewBy || after < before*1.15 {
		x.classifyWait(f, words)
		return
	}
	f.class, f.claim = pitwall.BottleneckCPU, words+", and so did its CPU"
	switch burnt := after - before; {
	case growth(d, prof.FamilyGC, prof.FamilyAllocation) > 0.5*burnt:
		f.class, f.claim = pitwall.BottleneckAllocation, words+", mostly in allocation and garbage collection"
	case growth(d, prof.FamilyLock, prof.FamilyScheduler) > 0.5*burnt:
		f.class, f.claim = pitwall.BottleneckLock, words+", mostly in locks and the scheduler"
	}
	for _, row := range d.Families {
		if grew(row) && row.ShareAfter > 0.05 {
			f.evidence = append(f.evidence, familyEvidence(f.at.Service, row, d.Unit))
		}
	}
	for _, row := range d.Frames {
		if row.Significant && row.After > row.Before {
			f.evidence = append(f.evidence, familyEvidence(f.at.Service, row, d.Unit))
			break
		}
	}
}

// classifyWait names what an operation waits for that does not use the CPU.
func (x *inquiry) classifyWait(f *finding, words string) {
	for _, kind := range []pitwall.ProfileType{pitwall.ProfileMutex, pitwall.ProfileBlock} {
		d, missing := x.profile(f.at.Service, kind)
		if missing != "" {
			continue
		}
		before, after := total(d)
		if after > before*2 && after-before > 0.2*(f.shift.After-f.shift.Before) {
			f.class, f.claim = pitwall.BottleneckLock, words+", waiting for a lock"
			f.evidence = append(f.evidence, pitwall.Evidence{
				Check: checkProfile, Service: f.at.Service,
				Claim:  fmt.Sprintf("%s profile of %s: %s → %s of waiting per request", kind, f.at.Service, duration(before), duration(after)),
				Before: pitwall.Measure{Value: before, Unit: d.Unit, N: 1}, After: pitwall.Measure{Value: after, Unit: d.Unit, N: 1},
			})
			return
		}
	}
	f.class, f.claim = pitwall.BottleneckObservabilityGap, words+", waiting off the CPU"
	f.weak = "its CPU did not grow and no lock profile did: a pool, a limit or a busy machine would look like this"
	f.against = append(f.against, pitwall.Evidence{Check: checkProfile, Service: f.at.Service, Claim: f.weak})
}
