package pitwall

// Shape is in which way a series changed.
type Shape string

// The shapes of change.
const (
	ShapeStep     Shape = "step"     // another level from one point to the next
	ShapeRamp     Shape = "ramp"     // another slope
	ShapeSpike    Shape = "spike"    // away and back
	ShapeVariance Shape = "variance" // the same level, more or less noise
)

// ChangePoint is where a series changed, with how sure that is. Rows are 0-based
// indices of the series.
type ChangePoint struct {
	Index int   `json:"index"` // the first row of the new state
	Kind  Shape `json:"kind"`
	// Interval are the first and the last row at which the new state may have begun.
	Interval [2]int  `json:"interval"`
	Before   float64 `json:"before"` // level, in the unit of the series
	After    float64 `json:"after"`
	// Effect is After/Before - 1 with its interval; nil where the level before is
	// 0 or has another sign, so that a ratio says nothing.
	Effect         *float64    `json:"effect"`
	EffectInterval *[2]float64 `json:"effect_interval"`
	P              float64     `json:"p"`            // in (0,1]
	Confirmed      int         `json:"confirmed_at"` // points it took to be sure of it; more never take it back
}

// Suspect is what may become a change when more points come.
type Suspect struct {
	ChangePoint
	Needs int `json:"needs"` // more points until it is decided
}

// Anomaly is a stretch of a series that is not as expected.
type Anomaly struct {
	Start int     `json:"start_index"` // rows, inclusive
	End   int     `json:"end_index"`
	Peak  int     `json:"peak_index"`
	Score float64 `json:"score"` // how far beyond the limit; 1 is at the limit
	Up    bool    `json:"up"`
	// Frozen: the series stopped moving; there is no band then.
	Frozen bool `json:"frozen,omitempty"`
	// Over is of how many points, up to the peak, the mean left the band.
	Over int `json:"over,omitempty"`
	// Expected is what the past said of the peak, with its band.
	Expected float64 `json:"expected"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
}

// Unreported is a place that was looked at and not reported, and why.
type Unreported struct {
	Index  int     `json:"index"`
	Reason string  `json:"reason"` // a code
	Value  float64 `json:"value"`
	Limit  float64 `json:"limit"` // what Value would have had to pass
}

// PointAlarm is when a detector that sees one point after the other, and never
// the next, rang.
type PointAlarm struct {
	Index int  `json:"index"` // the row at which it rang
	Onset int  `json:"onset"` // the first row of the new level, most likely
	Up    bool `json:"up"`
	// Interval are the first and the last row at which the new level may have begun.
	Interval [2]int  `json:"interval"`
	Before   float64 `json:"before"`
	After    float64 `json:"after"`
	// P bounds the chance that a quiet series of as many points rings like this.
	P float64 `json:"p"`
}

// SeriesFindings is all that one look at a whole series says.
type SeriesFindings struct {
	Changes    []ChangePoint `json:"changes"`
	Suspects   []Suspect     `json:"suspect"`
	Anomalies  []Anomaly     `json:"anomalies"`
	Unreported []Unreported  `json:"not_reported"`
	Alarms     []PointAlarm  `json:"alarms,omitempty"` // where they were asked for
	// Season is the period that was found, in points; 0: none.
	Season int `json:"season"`
	// Learning is how many rows pass before anything can be an anomaly.
	Learning int `json:"learning"`
	// Known are the rows that hold a value.
	Known int `json:"known"`
}
