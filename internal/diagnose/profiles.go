package diagnose

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
)

// profileKey is one comparison of profiles.
type profileKey struct {
	service pitwall.ServiceName
	kind    pitwall.ProfileType
}

// profileAnswer is the comparison, or why there is none.
type profileAnswer struct {
	diff    pitwall.FlameDiff
	whole   pitwall.FrameDelta // all of it
	sight   prof.Sight
	missing string
}

// profiledServices is how many services on the path are asked for profiles:
// the headline's and those whose own time grew most.
const profiledServices = 4

// profileKinds are asked for in this order; CPU says what ran, the others say
// what was waited for and what was allocated.
func profileKinds() []pitwall.ProfileType {
	return []pitwall.ProfileType{pitwall.ProfileCPU, pitwall.ProfileAlloc, pitwall.ProfileMutex, pitwall.ProfileBlock}
}

// profileQueries is what is asked once the path is known.
func (x *inquiry) profileQueries() []Query {
	if x.noSpans == "" && !x.moved() {
		return nil
	}
	services := x.onPath()
	services = services[:min(len(services), profiledServices)]
	var list []Query
	for _, s := range services {
		for _, kind := range profileKinds() {
			for _, side := range sides(x.q) {
				list = append(list, Query{
					ID: profileID(s, kind, side.suffix), Kind: AskProfiles, Period: side.period, Service: s, Type: kind,
				})
			}
		}
	}
	return list
}

// readProfiles compares what came back.
func (x *inquiry) readProfiles(asked []Query) {
	for _, q := range asked {
		key := profileKey{q.Service, q.Type}
		if _, done := x.profiles[key]; done {
			continue
		}
		x.profiles[key] = x.compareProfiles(key)
	}
}

func (x *inquiry) compareProfiles(key profileKey) profileAnswer {
	before, after := x.answers[profileID(key.service, key.kind, baselineSide)], x.answers[profileID(key.service, key.kind, windowSide)]
	for _, a := range []Answer{before, after} {
		if a.Missing != "" {
			return profileAnswer{missing: a.Missing}
		}
	}
	if len(before.Profiles) == 0 || len(after.Profiles) == 0 {
		return profileAnswer{missing: fmt.Sprintf("%d %s profiles of %s before and %d after: let Pitwall scrape /debug/pprof of it",
			len(before.Profiles), key.kind, key.service, len(after.Profiles))}
	}
	d, err := prof.Diff(before.Profiles, after.Profiles, prof.Options{})
	if err != nil {
		return profileAnswer{missing: err.Error()}
	}
	return profileAnswer{diff: d.FlameDiff, whole: d.Whole, sight: d.Sight}
}

// profile gives a comparison, or why there is none.
func (x *inquiry) profile(s pitwall.ServiceName, kind pitwall.ProfileType) (pitwall.FlameDiff, string) {
	a, ok := x.profiles[profileKey{s, kind}]
	switch {
	case !ok:
		return pitwall.FlameDiff{}, fmt.Sprintf("%s profiles of %s were not asked for", kind, s)
	case a.missing != "":
		return pitwall.FlameDiff{}, a.missing
	}
	return a.diff, ""
}

// total is the whole profile per request, before and after.
func total(d pitwall.FlameDiff) (before, after float64) {
	for _, f := range d.Families {
		before, after = before+f.Before, after+f.After
	}
	return before, after
}

// growth is what the named families grew by per request together.
func growth(d pitwall.FlameDiff, families ...prof.Family) float64 {
	sum := 0.0
	for _, f := range d.Families {
		if slices.Contains(families, prof.Family(f.Name)) {
			sum += f.After - f.Before
		}
	}
	return sum
}

// grew says whether a row of a comparison is worth telling: at least half as
// much again, and more than one of so many tests gives by chance. Whoever shows
// the comparison calls out the same rows.
func grew(f pitwall.FrameDelta) bool { return f.Significant && f.After > f.Before*1.5 }

// wholeEvidence says that all of a service's work grew alike.
func wholeEvidence(s pitwall.ServiceName, f pitwall.FrameDelta, unit pitwall.Unit) pitwall.Evidence {
	return pitwall.Evidence{
		Check: checkProfile, Service: s,
		Claim: fmt.Sprintf("all work of %s, no kind more than the rest: %s → %s of CPU per request (%s)",
			s, duration(f.Before), duration(f.After), times(f.After/f.Before)),
		Before: pitwall.Measure{Value: f.Before, Unit: unit, N: 1}, After: pitwall.Measure{Value: f.After, Unit: unit, N: 1},
		Query: fmt.Sprintf("pprof profiles of %s, per request", s),
	}
}

func familyEvidence(s pitwall.ServiceName, f pitwall.FrameDelta, unit pitwall.Unit) pitwall.Evidence {
	word := duration
	if unit == pitwall.UnitBytesPerReq {
		word = size
	}
	return pitwall.Evidence{
		Check: checkProfile, Service: s,
		Claim: fmt.Sprintf("%s in %s: %s of the profile before, %s after (%s → %s per request)",
			f.Name, s, percent(float64(f.ShareBefore)), percent(float64(f.ShareAfter)), word(f.Before), word(f.After)),
		Before: pitwall.Measure{Value: f.Before, Unit: unit, N: 1}, After: pitwall.Measure{Value: f.After, Unit: unit, N: 1},
		Query: fmt.Sprintf("pprof profiles of %s, per request", s),
	}
}

// fewWindows is how many windows a side a comparison wants before "nothing
// grew" means something, and farMore what nobody would wait for.
const (
	fewWindows = 6
	farMore    = 1000
)

// dim says why the CPU profiles of a service cannot show that nothing changed,
// or "" when they can.
func (x *inquiry) dim(s pitwall.ServiceName) string {
	a := x.profiles[profileKey{s, pitwall.ProfileCPU}]
	if a.diff.Unit != pitwall.UnitCPUPerReq {
		return fmt.Sprintf("the profiles of %s carry no request counts: a rise common to all functions cannot be seen", s)
	}
	seen := fmt.Sprintf("%s before and %d after of %s", things(a.sight.Before, "CPU profile"), a.sight.After, s)
	short := fewWindows - min(a.sight.Before, a.sight.After)
	switch more := max(short, a.sight.More); {
	case more >= farMore:
		return seen + " hold hardly a sample; more load or longer profiles are needed"
	case more > 0:
		return fmt.Sprintf("%s are too few to see a function of 5 %% grow by 30 %%: about %d more a side are needed", seen, more)
	}
	return ""
}

// profileDiff is the check: did any frame family cost more per request?
func profileDiff(x *inquiry) result {
	var r result
	compared, dim := 0, ""
	for _, s := range x.onPath() {
		d, missing := x.profile(s, pitwall.ProfileCPU)
		if missing != "" {
			if _, asked := x.profiles[profileKey{s, pitwall.ProfileCPU}]; asked {
				r.notes = append(r.notes, missing)
			}
			continue
		}
		compared++
		dim = cmp.Or(dim, x.dim(s))
		told := len(r.evidence)
		for _, f := range d.Families {
			if grew(f) && float64(f.ShareAfter) > 0.02 {
				r.evidence = append(r.evidence, familyEvidence(s, f, d.Unit))
			}
		}
		whole := x.profiles[profileKey{s, pitwall.ProfileCPU}].whole
		if len(r.evidence) == told && grew(whole) && d.Unit == pitwall.UnitCPUPerReq {
			r.evidence = append(r.evidence, wholeEvidence(s, whole, d.Unit))
		}
	}
	switch {
	case compared == 0 && len(r.notes) == 0:
		return skipped("nothing to compare: the headline operation did not move")
	case compared == 0:
		return skipped("no CPU profiles: " + r.notes[0])
	case len(r.evidence) == 0 && dim != "":
		r.outcome, r.reason = pitwall.OutcomeSkipped, "inconclusive: no frame family stands out, but "+dim
	case len(r.evidence) == 0:
		r.outcome, r.reason = pitwall.OutcomeClear, "no frame family of "+things(compared, "service")+" costs more CPU per request beyond noise"
		if len(r.notes) > 0 {
			r.reason += "; not seen: " + r.notes[0]
		}
	default:
		r.outcome, r.reason = pitwall.OutcomeHit, fmt.Sprintf("%s of work cost more CPU per request; first: %s", things(len(r.evidence), "kind"), r.evidence[0].Claim)
	}
	return r
}
