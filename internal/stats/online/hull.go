package online

// hullSize bounds the starts kept per direction. A random walk keeps about
// ln(n) of them; only a series that bends all the time fills it.
const hullSize = 24

// start is a place where a change may have begun.
type start struct {
	Row int     `json:"row"` // first row after it
	X   float64 `json:"x"`   // points or trials before it
	Y   float64 `json:"y"`   // sum of what exceeds the null before it
}

// hull keeps the starts that explain a rise of a running sum best: the corners
// of the greatest convex minorant of the sum since its minimum. Whatever the
// size of the rise, the best start is one of them (Romano et al. 2023), so
// looking at all starts costs O(log n).
type hull struct {
	corner [hullSize]start
	n      int
	x, y   float64 // the running sums
}

func (h *hull) reset(row int) {
	*h = hull{}
	h.push(row)
}

func (h *hull) add(x, y float64) { h.x, h.y = h.x+x, h.y+y }

// push makes the present sums a start that begins at a row. Older starts on or
// above a line from an older one to the newest have lost for good, and so has
// everything higher than the newest.
func (h *hull) push(row int) {
	s := start{Row: row, X: h.x, Y: h.y}
	for h.n > 0 {
		last := h.corner[h.n-1]
		if last.Y < s.Y && (h.n == 1 || turn(h.corner[h.n-2], last, s) > 0) {
			break
		}
		h.n--
	}
	if h.n == hullSize {
		h.thin()
	}
	h.corner[h.n] = s
	h.n++
}

// skip moves the newest start past a missing row, where nothing begins.
func (h *hull) skip(row int) { h.corner[h.n-1].Row = row }

// turn is twice the area of the triangle of three corners, positive when the
// middle one lies below the line between its neighbours.
func turn(a, b, c start) float64 { return (b.X-a.X)*(c.Y-b.Y) - (c.X-b.X)*(b.Y-a.Y) }

// thin drops the inner corner that stands out least.
func (h *hull) thin() {
	at, least := 1, turn(h.corner[0], h.corner[1], h.corner[2])
	for i := 2; i < h.n-1; i++ {
		if area := turn(h.corner[i-1], h.corner[i], h.corner[i+1]); area < least {
			at, least = i, area
		}
	}
	copy(h.corner[at:h.n-1], h.corner[at+1:h.n])
	h.n--
}

// forget drops the oldest start once the next one is older than an age, too.
func (h *hull) forget(age float64) {
	if h.n > 1 && h.x-h.corner[1].X > age {
		copy(h.corner[:h.n-1], h.corner[1:h.n])
		h.n--
	}
}
