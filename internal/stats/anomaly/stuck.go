package anomaly

import "math"

const (
	// frozen is how many equal points in a row stand out in a series in which
	// less than rare of the points equal the one before.
	frozen, rare = 12, 0.05
	// known is how many points must be learnt before anything is called rare.
	known = 100
)

// stuck notices a series that stops moving, as a hung exporter does.
type stuck struct {
	before float64
	run    int     // points equal to before, itself included
	share  float64 // of points in the past that equalled the one before
	seen   int     // points learnt
	memory int     // points the share is taken over
}

// see takes a point and scores the run of equal points it ends: above 1 after
// a dozen. A run is learnt when it has ended, so that the second freeze within
// a few days is no news any more, and a count that is mostly 0 may stay there.
func (s *stuck) see(v float64) float64 {
	if v == s.before && s.run > 0 {
		s.run++
	} else {
		for range min(s.run, frozen) - 1 {
			s.learn(1)
		}
		s.learn(0)
		s.before, s.run = v, 1
	}
	if s.run < frozen || s.seen < known || s.share >= rare {
		return 0
	}
	return math.Min(float64(s.run)/frozen, furthest)
}

func (s *stuck) learn(equal float64) {
	s.seen++
	s.share += (equal - s.share) / float64(min(s.seen, s.memory))
}
