package trace

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// DurationAt is the q quantile of the durations of a group's requests in
// nanoseconds; 0 of none.
func DurationAt(g Group, q float64) int64 {
	if len(g.Requests) == 0 {
		return 0
	}
	took := make([]float64, len(g.Requests))
	for i, r := range g.Requests {
		took[i] = float64(g.Batch.Duration[r])
	}
	slices.Sort(took)
	return int64(stats.Quantile(took, q))
}

// Wanted says which requests are to be kept as exemplars.
type Wanted struct {
	Kind  string    // "slow" or "typical", as it is told
	At    []float64 // quantiles of the durations; the request nearest to each is kept, none twice
	Spans int       // at most so many lines of one request; 0: 60
}

// exemplarSpans is about what fits on a page.
const exemplarSpans = 60

// Exemplars keeps requests of a group to be looked at: of the slow ones the one
// in the middle and a bad one, say, and of the typical ones the one in the
// middle. Like siblings stand on one line.
func Exemplars(g Group, w Wanted) []pitwall.Exemplar {
	if w.Spans <= 0 {
		w.Spans = exemplarSpans
	}
	walker := NewWalker(g.Batch, g.Forest)
	taken := map[int32]bool{}
	var list []pitwall.Exemplar
	for _, q := range w.At {
		near, found := nearest(g, float64(DurationAt(g, q)), taken)
		if !found {
			break
		}
		taken[near] = true
		e := exemplar(g, walker, int(near), w.Spans)
		e.Kind = w.Kind
		list = append(list, e)
	}
	return list
}

// nearest is the request whose duration is nearest; of equals the one with the
// most spans to show, then the earliest.
func nearest(g Group, took float64, not map[int32]bool) (best int32, found bool) {
	b := g.Batch
	far := func(i int32) float64 { return math.Abs(float64(b.Duration[i]) - took) }
	for _, r := range g.Requests {
		if not[r] {
			continue
		}
		if !found || cmp.Or(cmp.Compare(far(r), far(best)),
			cmp.Compare(len(g.Forest.Children(int(best))), len(g.Forest.Children(int(r)))), cmp.Compare(b.Start[r], b.Start[best]),
			slices.Compare(b.TraceID[r][:], b.TraceID[best][:])) < 0 {
			best, found = r, true
		}
	}
	return best, found
}

// line is one span of an exemplar or several like ones; children are lines too.
type line struct {
	rows     []int32
	depth    int
	order    int // in which it was found: parents before children
	parent   *line
	children []*line
	shown    bool
}

func exemplar(g Group, w *Walker, head, most int) pitwall.Exemplar {
	b := g.Batch
	critical := map[int]int64{}
	for _, s := range w.CriticalPath(head) {
		critical[s.Span] += s.Duration()
	}
	e := pitwall.Exemplar{TraceID: hexOf(b.TraceID[head]), Start: time.Unix(0, b.Start[head]).UTC(), Duration: float64(b.Duration[head]) / 1e9}
	top := &line{rows: []int32{int32(head)}}
	all := unfold(g, top)
	spans := 0
	for _, l := range all {
		spans += len(l.rows)
	}
	choose(b, all, most)
	todo := []*line{top}
	for len(todo) > 0 {
		l := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		e.Spans = append(e.Spans, l.tell(b, b.Start[head], critical))
		spans -= len(l.rows)
		for i := len(l.children) - 1; i >= 0; i-- {
			if l.children[i].shown {
				todo = append(todo, l.children[i])
			}
		}
	}
	e.Left = spans
	return e
}

// alike is what siblings on one line share.
type alike struct {
	service, operation uint32
	kind               pitwall.SpanKind
	failed             bool
}

// unfold gives all lines beneath top and itself, parents before children.
func unfold(g Group, top *line) []*line {
	b := g.Batch
	all := []*line{top}
	for i := 0; i < len(all); i++ {
		l := all[i]
		by := map[alike]*line{}
		for _, r := range l.rows {
			for _, c := range g.Forest.Children(int(r)) {
				k := alike{b.Service[c], b.Operation[c], b.Kind[c], b.Failed[c]}
				if by[k] == nil {
					by[k] = &line{depth: l.depth + 1, parent: l}
					l.children = append(l.children, by[k])
				}
				by[k].rows = append(by[k].rows, c)
			}
		}
		slices.SortStableFunc(l.children, func(x, y *line) int { return cmp.Compare(x.from(b), y.from(b)) })
		for _, c := range l.children {
			c.order = len(all)
			all = append(all, c)
		}
	}
	return all
}

// choose marks the lines to show: those that last longest, each with the lines
// above it.
func choose(b *pitwall.SpanBatch, all []*line, most int) {
	byTime := slices.Clone(all)
	slices.SortFunc(byTime, func(x, y *line) int {
		return cmp.Or(cmp.Compare(y.longest(b), x.longest(b)), cmp.Compare(x.order, y.order))
	})
	all[0].shown = true
	left := most - 1
	for _, l := range byTime {
		need := 0
		for at := l; !at.shown && need <= left; at = at.parent {
			need++
		}
		if need > left {
			continue
		}
		left -= need
		for at := l; !at.shown; at = at.parent {
			at.shown = true
		}
	}
}

func (l *line) from(b *pitwall.SpanBatch) int64 {
	from := b.Start[l.rows[0]]
	for _, r := range l.rows {
		from = min(from, b.Start[r])
	}
	return from
}

func (l *line) longest(b *pitwall.SpanBatch) int64 {
	sum := int64(0)
	for _, r := range l.rows {
		sum += b.Duration[r]
	}
	return sum
}

// tell words one line. Several spans last from the first's start to the last's
// end; their bytes and critical times are summed.
func (l *line) tell(b *pitwall.SpanBatch, start int64, critical map[int]int64) pitwall.ExemplarSpan {
	first := l.rows[0]
	from, to := l.from(b), int64(math.MinInt64)
	s := pitwall.ExemplarSpan{Service: pitwall.ServiceName(b.Strings[b.Service[first]]), Operation: b.Strings[b.Operation[first]],
		Depth: l.depth, Repeats: len(l.rows), Failed: b.Failed[first], Bytes: -1}
	waited := int64(0)
	for _, r := range l.rows {
		to = max(to, b.Start[r]+b.Duration[r])
		waited += critical[int(r)]
		if n := b.RespBytes[r]; n >= 0 {
			s.Bytes = max(0, s.Bytes) + n
		}
	}
	s.Offset, s.Duration, s.Critical = float64(from-start)/1e9, float64(to-from)/1e9, float64(waited)/1e9
	return s
}

func hexOf(id pitwall.TraceID) string {
	const digits = "0123456789abcdef"
	text := make([]byte, 0, 2*len(id))
	for _, x := range id {
		text = append(text, digits[x>>4], digits[x&15])
	}
	return string(text)
}
