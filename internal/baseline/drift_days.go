package baseline

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// block is a quarter of a day of a series, or a whole day, between two restarts.
type block struct {
	at      float64 // days, rising; the last block is at 0
	segment int     // restarts after it
	value   float64 // upside down where falling is the trouble
	traffic float64 // median; NaN: not known
	tooth   bool    // it is the foot of a tooth
}

// slotValue is one hour of a series.
type slotValue struct {
	slot  int // hours before the last point
	value float64
}

const (
	quarters  = 4   // blocks of a day
	veryAlike = 0.5 // correlation of neighbours from which on a block is a day
)

// usable says whether a value can be reckoned with.
func usable(v float64) bool { return math.Abs(v) <= 1e100 }

// blockings are the ways to cut a series; an empty one does not suit it.
type blockings struct {
	quarters, days []block
}

// blocksOf reduces the series to hours, takes out the course of the day, and
// joins hours to quarters of a day, so that there is enough to see how like
// neighbours are, and to days. Of saw-teeth, which may last for most of a day, and
// of few points there are no quarters. Teeth that last longer are blocks of their
// own. Everything is counted back from the last point, so that the last day is whole.
func blocksOf(in DriftInput) (b blockings, n int, last time.Time) {
	end, n := lastOf(in.Series)
	if n == 0 {
		return b, 0, time.Time{}
	}
	last = time.UnixMilli(end)
	c := clock{end: end, slot: max(1, in.Day.Milliseconds()/dayHours), restarts: in.Restarts}
	days := c.partition(c.hours(in.prepared(), in.Teeth), dayHours)
	flatten(days)
	edge := 0.5
	if in.Teeth {
		edge = 0.25
	}
	if teeth, ok := c.teeth(days); ok {
		b.days = teeth
	} else {
		b.days = c.join(days, dayHours, edge)
		if !in.Teeth && typical(days) >= dayHours/2 {
			b.quarters = c.join(days, dayHours/quarters, edge)
		}
	}
	if in.Traffic != nil {
		hours := c.hours(*in.Traffic, false)
		addTraffic(b.days, hours)
		addTraffic(b.quarters, hours)
	}
	return b, n, last
}

// choose takes quarters of days, unless neighbours are so alike that a quarter is
// no news.
func (b blockings) choose() []block {
	if len(b.quarters) > 0 && likeness(b.quarters) <= veryAlike {
		return b.quarters
	}
	return b.days
}

// laterHalf is the later half of the time.
func (b blockings) laterHalf() blockings {
	if len(b.days) == 0 {
		return b
	}
	middle := b.days[0].at / 2
	early := func(x block) bool { return x.at < middle }
	return blockings{slices.DeleteFunc(slices.Clone(b.quarters), early), slices.DeleteFunc(slices.Clone(b.days), early)}
}

// clock counts hours back from the last point, in unix milliseconds.
type clock struct {
	end, slot int64 // the last point, the length of an hour
	restarts  []time.Time
}

// join makes blocks of so many hours; one with less than half of what blocks
// usually have is left out.
func (c clock) join(days map[[2]int][]slotValue, length int, edge float64) (blocks []block) {
	var flat []slotValue
	for _, p := range days {
		flat = append(flat, p...)
	}
	parts := c.partition(flat, length)
	fewest := typical(parts) / 2
	for key, p := range parts {
		if float64(len(p)) >= fewest {
			at := -float64(key[0]) * float64(length) / dayHours
			blocks = append(blocks, block{at: at, segment: key[1], traffic: math.NaN(), value: edgeOf(p, edge)})
		}
	}
	slices.SortFunc(blocks, func(a, b block) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(b.segment, a.segment)) })
	return blocks
}

// partition puts hours into spans of so many hours, by number and segment.
func (c clock) partition(hours []slotValue, length int) map[[2]int][]slotValue {
	out := map[[2]int][]slotValue{}
	for _, h := range hours {
		if segment, ok := c.segment(h.slot); ok {
			key := [2]int{h.slot / length, segment}
			out[key] = append(out[key], h)
		}
	}
	return out
}

// typical is how many hours a span usually has.
func typical(parts map[[2]int][]slotValue) float64 {
	var sizes []float64
	for _, p := range parts {
		sizes = append(sizes, float64(len(p)))
	}
	return stats.Median(sizes)
}

// lastOf is the time of the last usable point in unix milliseconds.
func lastOf(s pitwall.Series) (end int64, n int) {
	for i := range min(len(s.T), len(s.V)) {
		if !usable(s.V[i]) {
			continue
		}
		if n == 0 || s.T[i] > end {
			end = s.T[i]
		}
		n++
	}
	return end, n
}

// prepared is the series without its season, upside down if falling is the trouble.
func (in DriftInput) prepared() pitwall.Series {
	if !in.Falling && in.Profile == nil {
		return in.Series
	}
	out := pitwall.Series{T: in.Series.T, V: slices.Clone(in.Series.V)}
	for i := range min(len(out.T), len(out.V)) {
		if in.Profile != nil {
			e := in.Profile.Expected(time.UnixMilli(out.T[i]))
			if level, ok := in.Profile.Level(); ok && (e.Basis == BasisDaily || e.Basis == BasisWeekly) {
				out.V[i] -= e.Value - level
			}
		}
		if in.Falling {
			out.V[i] = -out.V[i]
		}
	}
	return out
}

// hours is the median of each hour, or its lowest value where teeth are.
func (c clock) hours(s pitwall.Series, teeth bool) (out []slotValue) {
	var points []slotValue
	for i := range min(len(s.T), len(s.V)) {
		back := c.end - s.T[i] // negative too where it overflows
		if back >= 0 && back/c.slot < driftDays*dayHours && usable(s.V[i]) {
			points = append(points, slotValue{int(back / c.slot), s.V[i]})
		}
	}
	slices.SortFunc(points, func(a, b slotValue) int { return cmp.Or(cmp.Compare(a.slot, b.slot), cmp.Compare(a.value, b.value)) })
	var values []float64
	for i := 0; i < len(points); {
		j := i
		values = values[:0]
		for ; j < len(points) && points[j].slot == points[i].slot; j++ {
			values = append(values, points[j].value)
		}
		value := values[0]
		if !teeth {
			value = stats.Quantile(values, 0.5)
		}
		out = append(out, slotValue{points[i].slot, value})
		i = j
	}
	return out
}

// segment counts the restarts after an hour; an hour with a restart in it
// belongs to none.
func (c clock) segment(hour int) (segment int, ok bool) {
	to := c.end - int64(hour)*c.slot
	for _, r := range c.restarts {
		at := r.UnixMilli()
		if at > to {
			segment++
		} else if at > to-c.slot {
			return 0, false
		}
	}
	return segment, true
}

// flatten takes from each hour of the day what it usually differs from its day;
// an hour seen on fewer than three days is left alone.
func flatten(days map[[2]int][]slotValue) {
	var apart [dayHours][]float64
	for _, p := range days {
		middle := edgeOf(p, 0.5)
		for _, h := range p {
			apart[h.slot%dayHours] = append(apart[h.slot%dayHours], h.value-middle)
		}
	}
	var course [dayHours]float64
	for h, values := range apart {
		if len(values) >= 3 {
			course[h] = stats.Median(values)
		}
	}
	for _, p := range days {
		for i := range p {
			p[i].value -= course[p[i].slot%dayHours]
		}
	}
}

// edgeOf is a quantile of hours.
func edgeOf(hours []slotValue, q float64) float64 {
	values := make([]float64, len(hours))
	for i, h := range hours {
		values[i] = h.value
	}
	slices.Sort(values)
	return stats.Quantile(values, q)
}

// addTraffic gives each block the median of its day.
func addTraffic(blocks []block, hours []slotValue) {
	byDay := map[int][]float64{}
	for _, h := range hours {
		byDay[h.slot/dayHours] = append(byDay[h.slot/dayHours], h.value)
	}
	for i, b := range blocks {
		blocks[i].traffic = stats.Median(byDay[b.day()])
	}
}

// day is the number of the block's day, 0 for the last one.
func (b block) day() int { return int(-b.at) }

// count gives the number of days and of segments.
func count(blocks []block) (days, segments int) {
	seenDay, seenSegment := map[int]bool{}, map[int]bool{}
	for _, b := range blocks {
		seenDay[b.day()], seenSegment[b.segment] = true, true
	}
	return len(seenDay), len(seenSegment)
}

func medianOf(blocks []block, of func(block) float64) float64 {
	values := make([]float64, len(blocks))
	for i, b := range blocks {
		values[i] = of(b)
	}
	return stats.Median(values)
}
