package anomaly

import "math"

const (
	binsADay = 24
	seasons  = 7 // days that make a profile
	// better is the share of the week's error below which the day's profile
	// takes over: a profile of a few days is noisy, so it must be clearly right.
	better = 0.6
)

// season predicts an hour from the same hour of the last days, and keeps count
// whether that is better than the plain level.
type season struct {
	rows, day  int // rows in a bin, bins in a day; 0 bins = no season
	past       [binsADay * seasons]float64
	bins       int // closed so far
	sum        float64
	n, row     int     // values and rows in the bin at hand
	profile    float64 // of the bin at hand; NaN with fewer than three days
	flat, same float64 // mean absolute errors of level and profile
	judged     int     // bins they were taken over
}

func newSeason(step float64) season {
	s := season{rows: max(1, int(3600/step+0.5)), profile: math.NaN()}
	if day := int(86400/(step*float64(s.rows)) + 0.5); day >= 4 && day <= binsADay {
		s.day = day
	}
	return s
}

// trusted says whether the profile is there and was clearly better than the
// level over a whole week, the days of rest among them.
func (s *season) trusted() bool {
	return s.judged >= seasons*s.day && s.same < better*s.flat && !math.IsNaN(s.profile)
}

// see takes a point, NaN if missing, with the plain level of the time.
func (s *season) see(v, level float64) {
	if s.day == 0 {
		return
	}
	if !math.IsNaN(v) {
		s.sum += v
		s.n++
	}
	if s.row++; s.row < s.rows {
		return
	}
	mean := s.sum / float64(s.n) // NaN for none
	if judge := math.Abs(mean - s.profile); !math.IsNaN(judge) && !math.IsNaN(level) {
		s.judged++
		w := 1 / float64(min(s.judged, s.day*seasons))
		s.same += (judge - s.same) * w
		s.flat += (math.Abs(mean-level) - s.flat) * w
	}
	s.past[s.bins%(s.day*seasons)] = mean
	s.bins++
	s.sum, s.n, s.row = 0, 0, 0
	s.profile = s.predict()
}

// predict is the median of the coming bin in the past days.
func (s *season) predict() float64 {
	var sorted [seasons]float64
	n := 0
	for d := 1; d <= seasons && d*s.day <= s.bins; d++ {
		v := s.past[(s.bins-d*s.day)%(s.day*seasons)]
		if math.IsNaN(v) {
			continue
		}
		i := n
		for ; i > 0 && sorted[i-1] > v; i-- {
			sorted[i] = sorted[i-1]
		}
		sorted[i] = v
		n++
	}
	if n < 3 {
		return math.NaN()
	}
	return (sorted[n/2] + sorted[(n-1)/2]) / 2
}
