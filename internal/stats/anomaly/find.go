package anomaly

// Anomaly is a stretch of rows that did not fit what came before it.
type Anomaly struct {
	Start, End int // rows, both inclusive
	// Score is the highest of the stretch, found in row Peak: the distance from
	// what was expected over the limit, from 1 to 1000.
	Score float64
	Peak  int
	Up    bool
	// Frozen says that the series stopped moving, as in Verdict.
	Frozen bool
	// Expected, Low, High and Over are those of the peak, as in Verdict.
	Expected, Low, High float64
	Over                int
}

// Find gives the anomalies of a whole series in order: exactly what Observe
// would have said row by row. Rows count missing points (NaN) too.
func Find(values []float64, o Options) []Anomaly {
	d := New(o)
	var found []Anomaly
	for row, v := range values {
		w := d.Observe(v)
		if !w.Anomalous {
			continue
		}
		if n := len(found); n == 0 || found[n-1].Start != w.Start {
			found = append(found, Anomaly{Start: w.Start})
		}
		a := &found[len(found)-1]
		a.End = row
		if w.Score > a.Score {
			a.Score, a.Peak, a.Up, a.Frozen = w.Score, row, w.Up, w.Frozen
			a.Expected, a.Low, a.High, a.Over = w.Expected, w.Low, w.High, w.Over
		}
	}
	return found
}
