package online

import (
	"errors"
	"math"
)

// stateVersion is written into every state; a state of another version is
// refused, and the series learns anew.
const stateVersion = 1

// State is all a Detector has to remember across a restart, as JSON: options,
// baseline and what it has seen. A detector restored from it goes on exactly
// as the first one would have.
type State struct {
	Version  int        `json:"version"`
	Options  Options    `json:"options"`
	Phase    Phase      `json:"phase"`
	Row      int        `json:"row"`
	Armed    int        `json:"armed"`
	Baseline Baseline   `json:"baseline"`
	Last     *float64   `json:"last,omitempty"` // absent after a gap
	Up       Starts     `json:"up"`
	Down     Starts     `json:"down"`
	Best     float64    `json:"best"`
	Recent   []float64  `json:"recent,omitempty"` // oldest first
	Return   Return     `json:"return"`
	Warm     []*float64 `json:"warm,omitempty"` // null for a gap
}

// Starts is the state of one direction: the running sums and the places at
// which a change may have begun, at most 24, in order.
type Starts struct {
	X      float64 `json:"x"`
	Y      float64 `json:"y"`
	Starts []start `json:"starts,omitempty"`
}

// Return is how far the last change has gone back.
type Return struct {
	Up    bool    `json:"up"`
	Shift float64 `json:"shift"`
	Sum   float64 `json:"sum"`
	Began int     `json:"began"`
	Back  int     `json:"back"` // -1 when it has not
}

// State is what the detector remembers. It shares no memory with it.
func (d *Detector) State() State {
	s := State{
		Version: stateVersion, Options: d.opt, Phase: d.phase, Row: d.row, Armed: d.armed, Baseline: d.base,
		Up: d.up.state(), Down: d.down.state(), Best: d.best,
		Return: Return{d.ring.up, d.ring.shift, d.ring.sum, d.ring.began, d.ring.back},
	}
	if last := d.last; !math.IsNaN(last) {
		s.Last = &last
	}
	for i := max(0, d.seen-recentSize); i < d.seen; i++ {
		s.Recent = append(s.Recent, d.recent[i%recentSize])
	}
	for _, v := range d.warm {
		if math.IsNaN(v) {
			s.Warm = append(s.Warm, nil)
			continue
		}
		s.Warm = append(s.Warm, &v)
	}
	return s
}

// Restore makes the detector that a state came from. It refuses a state of
// another version and one that no detector can be in.
func Restore(s State) (*Detector, error) {
	if err := s.valid(); err != nil {
		return nil, err
	}
	d := &Detector{
		opt: s.Options, base: s.Baseline, phase: s.Phase, row: s.Row, armed: s.Armed, best: s.Best, last: math.NaN(),
		up: s.Up.hull(), down: s.Down.hull(),
		ring: going{s.Return.Up, s.Return.Shift, s.Return.Sum, s.Return.Began, s.Return.Back},
	}
	if s.Last != nil {
		d.last = *s.Last
	}
	d.seen = copy(d.recent[:], s.Recent)
	if s.Phase != Learning {
		d.derive()
		return d, nil
	}
	row, last := d.row, d.last
	d.Relearn()
	for _, v := range s.Warm {
		if v == nil {
			d.learn(math.NaN())
			continue
		}
		d.learn(*v)
	}
	d.row, d.last = row, last
	return d, nil
}

var (
	errState   = errors.New("no detector can be in this state")
	errVersion = errors.New("the state of the detector has another version")
)

func finite(v float64) bool { return math.Abs(v) <= math.MaxFloat64 }

func (s State) valid() error {
	if s.Version != stateVersion {
		return errVersion
	}
	numbers := []float64{s.Best, s.Up.X, s.Up.Y, s.Down.X, s.Down.Y, s.Return.Shift, s.Return.Sum}
	numbers = append(numbers, s.Recent...)
	if s.Last != nil {
		numbers = append(numbers, *s.Last)
	}
	waiting := 0
	for _, v := range s.Warm {
		if v != nil {
			waiting++
			numbers = append(numbers, *v)
		}
	}
	for _, v := range numbers {
		if !finite(v) {
			return errState
		}
	}
	switch {
	case s.Options != s.Options.filled(), s.Row < 0, s.Armed < 0, s.Armed > s.Row, len(s.Recent) > recentSize:
		return errState
	case s.Phase == Learning:
		if waiting >= s.Options.Warmup || len(s.Warm) > 2*s.Options.Warmup {
			return errState
		}
		return nil
	case s.Phase != Watching && s.Phase != Ringing, len(s.Warm) > 0, !s.Up.valid(s.Row), !s.Down.valid(s.Row):
		return errState
	}
	return s.Baseline.valid()
}

func (h *hull) state() Starts {
	return Starts{X: h.x, Y: h.y, Starts: append([]start(nil), h.corner[:h.n]...)}
}

func (s Starts) hull() hull {
	h := hull{x: s.X, y: s.Y}
	h.n = copy(h.corner[:], s.Starts)
	return h
}

// valid says whether a hull can look like this: a newest start at the present
// sums or below, rising towards it.
func (s Starts) valid(row int) bool {
	if len(s.Starts) == 0 || len(s.Starts) > hullSize {
		return false
	}
	for i, c := range s.Starts {
		if !finite(c.X) || !finite(c.Y) || c.X > s.X || c.Row < 0 || c.Row > row {
			return false
		}
		if i > 0 && (c.X <= s.Starts[i-1].X || c.Y <= s.Starts[i-1].Y || c.Row <= s.Starts[i-1].Row) {
			return false
		}
	}
	return true
}
