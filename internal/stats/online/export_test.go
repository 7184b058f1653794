package online

import "github.com/pitwall/pitwall/internal/stats"

// Sums are the Shiryaev–Roberts sums of one direction, by alternative.
func Sums(d *CountDetector, direction Direction) [stats.Alternatives]float64 {
	return d.sum[int(direction)-1]
}
