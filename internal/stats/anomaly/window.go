package anomaly

import "slices"

// window holds the last so many values, also in ascending order.
type window struct {
	ring, sorted []float64
	next         int
}

func newWindow(size int) window {
	return window{ring: make([]float64, size), sorted: make([]float64, 0, size)}
}

// push adds a value that is not NaN and drops the oldest when full.
func (w *window) push(v float64) {
	if len(w.sorted) == len(w.ring) {
		i, _ := slices.BinarySearch(w.sorted, w.ring[w.next])
		w.sorted = slices.Delete(w.sorted, i, i+1)
	}
	w.ring[w.next] = v
	w.next = (w.next + 1) % len(w.ring)
	i, _ := slices.BinarySearch(w.sorted, v)
	w.sorted = slices.Insert(w.sorted, i, v)
}

// median is the upper median; there must be a value.
func (w *window) median() float64 { return w.sorted[len(w.sorted)/2] }
