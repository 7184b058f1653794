package prof

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
)

// sheet holds windows as columns: every distinct stack once, and what it cost
// in each window.
type sheet struct {
	quantum   float64
	total     []float64 // per window
	functions []string
	natures   []nature
	stacks    []stackRow
	cells     []cell // in order of windows
}

// stackRow is a distinct stack.
type stackRow struct {
	frames []int32 // functions, leaf first
	family Family
}

// cell is what a stack cost in one window; windows where it cost nothing have none.
type cell struct {
	stack, window int32
	cost          float64
}

// newSheet reads windows of one type; count asks how often rather than how much.
func newSheet(windows []pitwall.ProfileWindow, count bool) (*sheet, error) {
	s := &sheet{total: make([]float64, len(windows))}
	b := binder{sheet: s, known: map[string]int32{}, at: map[string]int32{}}
	for w, win := range windows {
		if win.Type != windows[0].Type {
			return nil, invalid(fmt.Errorf("a %s window among %s windows", win.Type, windows[0].Type))
		}
		r, err := read(win.Data, win.Type, count)
		if err != nil {
			return nil, fmt.Errorf("reading %s window of %s %s at %s: %w", win.Type, win.Service, win.Version, win.Period.From.UTC().Format("15:04:05"), err)
		}
		b.add(r, int32(w))
	}
	s.quantum = b.quantum()
	s.natures = make([]nature, len(s.functions))
	for i, f := range s.functions {
		s.natures[i] = natureOf(f)
	}
	for i := range s.stacks {
		s.stacks[i].family = familyOf(s.stacks[i].frames, s.natures)
	}
	return s, nil
}

// binder numbers functions and stacks over all windows.
type binder struct {
	*sheet
	known              map[string]int32 // functions
	at                 map[string]int32 // stacks
	observations, cost float64
	least              float64 // a quantum, for profiles without a sample
}

func (b *binder) add(r reading, window int32) {
	number := make([]int32, len(r.functions))
	for i, name := range r.functions {
		n, ok := b.known[name]
		if !ok {
			n = int32(len(b.functions))
			b.known[name] = n
			b.functions = append(b.functions, name)
		}
		number[i] = n
	}
	var frames []int32
	var key []byte
	first := len(b.cells)
	for i := range r.samples {
		cost := r.cost(i)
		if cost == 0 {
			continue
		}
		frames = r.frames(frames[:0], i)
		for k, f := range frames {
			frames[k] = number[f]
		}
		key = keyOf(key[:0], frames)
		n, ok := b.at[string(key)]
		if !ok {
			n = int32(len(b.stacks))
			b.at[string(key)] = n
			b.stacks = append(b.stacks, stackRow{frames: slices.Clone(frames)})
		}
		b.cells = append(b.cells, cell{n, window, cost})
		b.total[window] += cost
	}
	b.least = max(b.least, r.quantum)
	if r.quantum > 0 && len(b.cells) > first {
		b.observations += b.total[window] / r.quantum
		b.cost += b.total[window]
	}
}

// quantum is the cost of one observation over all windows.
func (b *binder) quantum() float64 {
	switch {
	case b.observations > 0:
		return b.cost / b.observations
	case b.least > 0:
		return b.least
	}
	return 1
}

// column is a node's cost per window.
type column struct {
	name string
	cost []float64
}

// mostFunctions bounds the functions compared: the dearest ones. A large service
// has some thousands in all its profiles together.
const mostFunctions = 10_000

// byFunction gives each function's column, with everything it calls: each stack
// it stands in counts once. Stacks that are gone cost nothing; nil: none is.
func (s *sheet) byFunction(gone []bool) []column {
	place := s.dearest(mostFunctions)
	var out []column
	for f, name := range s.functions {
		if place[f] >= 0 {
			place[f] = len(out)
			out = append(out, column{name, make([]float64, len(s.total))})
		}
	}
	seen := make([]int, len(s.functions)) // in which cell + 1
	for i, c := range s.cells {
		if gone != nil && gone[c.stack] {
			continue
		}
		for _, f := range s.stacks[c.stack].frames {
			if seen[f] != i+1 && place[f] >= 0 {
				seen[f] = i + 1
				out[place[f]].cost[c.window] += c.cost
			}
		}
	}
	slices.SortFunc(out, func(a, b column) int { return cmp.Compare(a.name, b.name) })
	return out
}

// dearest marks so many functions with 0 and the others with -1.
func (s *sheet) dearest(most int) []int {
	place := make([]int, len(s.functions))
	if len(place) <= most {
		return place
	}
	cost := make([]float64, len(place))
	for _, c := range s.cells {
		for _, f := range s.stacks[c.stack].frames {
			cost[f] += c.cost
		}
	}
	order := make([]int, len(place))
	for f := range order {
		order[f] = f
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(cost[b], cost[a]), cmp.Compare(s.functions[a], s.functions[b]))
	})
	for _, f := range order[most:] {
		place[f] = -1
	}
	return place
}

// byFamily gives the columns of the families that cost anything.
func (s *sheet) byFamily() []column {
	at := map[Family][]float64{}
	for _, c := range s.cells {
		f := s.stacks[c.stack].family
		if at[f] == nil {
			at[f] = make([]float64, len(s.total))
		}
		at[f][c.window] += c.cost
	}
	var out []column
	for f, cost := range at {
		out = append(out, column{string(f), cost})
	}
	slices.SortFunc(out, func(a, b column) int { return cmp.Compare(a.name, b.name) })
	return out
}

// where gives the column of the stacks that a condition holds for.
func (s *sheet) where(holds func(frames []int32) bool) []float64 {
	answer := make([]int8, len(s.stacks)) // 0: not asked yet
	out := make([]float64, len(s.total))
	for _, c := range s.cells {
		if answer[c.stack] == 0 {
			answer[c.stack] = -1
			if holds(s.stacks[c.stack].frames) {
				answer[c.stack] = 1
			}
		}
		if answer[c.stack] == 1 {
			out[c.window] += c.cost
		}
	}
	return out
}

// sizes are size factors of the windows, from the functions' observations.
func (s *sheet) sizes(functions []column) []float64 {
	counts := make([][]float64, len(functions))
	for i, c := range functions {
		counts[i] = make([]float64, len(c.cost))
		for w, v := range c.cost {
			counts[i][w] = math.Max(0, v) / s.quantum
		}
	}
	return sizeFactors(counts, len(s.total))
}
