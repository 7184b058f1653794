package anomaly

// mean is that of the last so many points, kept as at most meanParts sums of
// equally many points.
type mean struct {
	ring []part
	of   int // points in a part
	next int // where the coming part goes
	now  part
}

type part struct {
	sum float64
	n   int
}

// newMean takes the number of points, which the parts may round up.
func newMean(points int) mean {
	of := (points + meanParts - 1) / meanParts
	return mean{ring: make([]part, (points+of-1)/of), of: of}
}

// push adds a value; the part at hand counts beside the full ones until it is
// full and takes the place of the oldest.
func (m *mean) push(v float64) {
	m.now.sum += v
	if m.now.n++; m.now.n < m.of {
		return
	}
	m.ring[m.next] = m.now
	m.next = (m.next + 1) % len(m.ring)
	m.now = part{}
}

// value is the mean of what is there and of how many points; there must be one.
// The sum is taken afresh, so that a huge value is forgotten without a trace.
func (m *mean) value() (float64, int) {
	all := m.now
	for _, p := range m.ring {
		all.sum += p.sum
		all.n += p.n
	}
	return all.sum / float64(all.n), all.n
}
