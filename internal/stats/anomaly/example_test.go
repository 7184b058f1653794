package anomaly_test

import (
	"fmt"
	"math"

	"github.com/pitwall/pitwall/internal/stats/anomaly"
)

// Two weeks of hourly values with a daily wave; a request count falls a quarter below
// what the hour should have, well inside the range of the day.
func ExampleFind() {
	values := make([]float64, 14*24)
	for i := range values {
		values[i] = 300 + 100*math.Sin(2*math.Pi*float64(i)/24) + float64(i*7919%13)
	}
	values[296] -= 100
	for _, a := range anomaly.Find(values, anomaly.Options{Step: 3600}) {
		fmt.Printf("from row %d, peak %d: %.0f, expected %.0f (%.0f to %.0f)\n",
			a.Start, a.Peak, values[a.Peak], a.Expected, a.Low, a.High)
	}
	// Output: from row 296, peak 296: 294, expected 393 (368 to 414)
}
