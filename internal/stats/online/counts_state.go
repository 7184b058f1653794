package online

import "github.com/pitwall/pitwall/internal/stats"

// CountState is all a CountDetector has to remember across a restart.
type CountState struct {
	Version  int                            `json:"version"`
	Options  Options                        `json:"options"`
	Phase    Phase                          `json:"phase"`
	Row      int                            `json:"row"`
	Armed    int                            `json:"armed"`
	Points   int                            `json:"points"`
	Baseline CountBaseline                  `json:"baseline"` // the counts so far while learning
	Sums     [2][stats.Alternatives]float64 `json:"sums"`
	Up       Starts                         `json:"up"`
	Down     Starts                         `json:"down"`
	Return   Return                         `json:"return"`
	After    float64                        `json:"after"` // share of the last alarm
	Warm     int                            `json:"warm"`
	Square   float64                        `json:"square"`
}

// State is what the detector remembers. It shares no memory with it.
func (d *CountDetector) State() CountState {
	return CountState{
		Version: stateVersion, Options: d.opt, Phase: d.phase, Row: d.row, Armed: d.armed, Points: d.points,
		Baseline: d.base, Sums: d.sum, Up: d.starts[0].state(), Down: d.starts[1].state(),
		Return: Return{Sum: d.ring.sum, Began: d.ring.began, Back: d.ring.back}, After: d.ring.after,
		Warm: d.warm, Square: d.square,
	}
}

// RestoreCounts makes the detector that a state came from. It refuses a state
// of another version and one that no detector can be in.
func RestoreCounts(s CountState) (*CountDetector, error) {
	if err := s.valid(); err != nil {
		return nil, err
	}
	d := &CountDetector{
		opt: s.Options, phase: s.Phase, row: s.Row, armed: s.Armed, points: s.Points, base: s.Baseline, sum: s.Sums,
		warm: s.Warm, square: s.Square,
	}
	if s.Phase != Learning {
		d.derive()
		d.starts = [2]hull{s.Up.hull(), s.Down.hull()}
		d.ring = newCountGoing(s.After, d)
	}
	d.ring.sum, d.ring.began, d.ring.back = s.Return.Sum, s.Return.Began, s.Return.Back
	return d, nil
}

func (s CountState) valid() error {
	if s.Version != stateVersion {
		return errVersion
	}
	numbers := []float64{s.Up.X, s.Up.Y, s.Down.X, s.Down.Y, s.Return.Sum, s.After, s.Square}
	for _, side := range s.Sums {
		numbers = append(numbers, side[:]...)
		for _, x := range side {
			if x < 0 {
				return errState
			}
		}
	}
	for _, v := range numbers {
		if !finite(v) {
			return errState
		}
	}
	switch {
	case s.Options != s.Options.filled(), s.Row < 0, s.Armed < 0, s.Armed > s.Row, s.Points < 0, s.Square < 0:
		return errState
	case s.Phase == Learning:
		if s.Warm < 0 || s.Warm >= s.Options.Warmup || s.Warm > 0 && s.Baseline.valid() != nil {
			return errState
		}
		return nil
	case s.Phase != Watching && s.Phase != Ringing, !s.Up.valid(s.Row), !s.Down.valid(s.Row), s.Baseline.Dispersion < 1:
		return errState
	}
	return s.Baseline.valid()
}
