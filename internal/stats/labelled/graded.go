package labelled

import "slices"

// Graded is a true change with how much displacement it forgives, in rows.
type Graded struct {
	Index      int     `json:"index"`
	OK         int     `json:"ok"`
	Max        int     `json:"max"`
	Importance float64 `json:"importance"`
}

// Penalties is what faults cost on a graded series.
type Penalties struct {
	Missing              float64 `json:"missing"`
	AcceptableMissing    float64 `json:"acceptable_missing"`
	MaxAcceptableMissing int     `json:"max_acceptable_missing"`
	Extra                float64 `json:"extra"`
	Displacement         float64 `json:"displacement"`
}

// Penalty is what the found changes cost on a graded series; lower is better.
func Penalty(s Series, found []int) float64 {
	rest, sum, missed := slices.Clone(found), 0.0, 0
	for _, p := range s.Points {
		best := -1
		for i, x := range rest {
			if abs(x-p.Index) <= p.Max && (best < 0 || abs(x-p.Index) < abs(rest[best]-p.Index)) {
				best = i
			}
		}
		if best < 0 {
			if missed++; missed <= s.Penalties.MaxAcceptableMissing {
				sum += s.Penalties.AcceptableMissing
			} else {
				sum += s.Penalties.Missing * p.Importance
			}
			continue
		}
		sum += float64(max(abs(rest[best]-p.Index)-p.OK, 0)) * s.Penalties.Displacement * p.Importance
		rest = slices.Delete(rest, best, best+1)
	}
	return sum + float64(len(rest))*s.Penalties.Extra
}

// FoundPlanted says whether a planted step was found: a change within the
// margin that the series without the step does not show.
func FoundPlanted(s Series, found, inBase []int) bool {
	close := func(x int) bool { return abs(x-*s.Planted) <= margin }
	return slices.ContainsFunc(found, close) && !slices.ContainsFunc(inBase, close)
}
