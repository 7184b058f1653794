package replay

import (
	"fmt"
	"strings"
	"time"
)

// Difference is what another policy would have changed.
type Difference struct {
	New   []Episode `json:"new"`  // pages only the second has
	Lost  []Episode `json:"lost"` // pages only the first has
	Moved []Move    `json:"moved"`
	// PerWeek is how many more pages a week the second has.
	PerWeek float64 `json:"pages_per_week"`
	Tickets int     `json:"tickets"`          // more
	Missed  int     `json:"missed_incidents"` // more
	False   int     `json:"false_pages"`      // more
	Text    string  `json:"text"`             // one sentence
}

// Move is a page that both have. Its ends are those of the stretches that overlap.
type Move struct {
	Before Episode `json:"before"`
	After  Episode `json:"after"`
	// Later is how much later the second begins; negative: earlier.
	Later time.Duration `json:"later"`
}

// Compare says what changes from a to b: results of the same period, of two
// policies or targets. Pages that overlap are the same; of several, each is
// compared with the first that it overlaps.
func Compare(a, b Result) Difference {
	d := Difference{New: []Episode{}, Lost: []Episode{}, Moved: []Move{}, PerWeek: b.PerWeek - a.PerWeek,
		Tickets: len(b.Tickets) - len(a.Tickets), Missed: b.Missed - a.Missed, False: b.False - a.False}
	overlap := func(x, y Episode) bool { return !x.From.After(y.To) && !y.From.After(x.To) }
	find := func(list []Episode, e Episode) (Episode, bool) {
		for _, x := range list {
			if overlap(x, e) {
				return x, true
			}
		}
		return Episode{}, false
	}
	for _, e := range a.Pages {
		if x, ok := find(b.Pages, e); ok {
			d.Moved = append(d.Moved, Move{Before: e, After: x, Later: x.From.Sub(e.From)})
			continue
		}
		d.Lost = append(d.Lost, e)
	}
	for _, e := range b.Pages {
		if _, ok := find(a.Pages, e); !ok {
			d.New = append(d.New, e)
		}
	}
	d.Text = d.words(a, b)
	return d
}

func (d Difference) words(a, b Result) string {
	earlier, later := 0, 0
	for _, m := range d.Moved {
		switch {
		case m.Later < 0:
			earlier++
		case m.Later > 0:
			later++
		}
	}
	text := []string{fmt.Sprintf("%.3g pages a week instead of %.3g", b.PerWeek, a.PerWeek)}
	add := func(n int, what string) {
		if n > 0 {
			text = append(text, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(len(d.New), "new")
	add(len(d.Lost), "gone")
	add(earlier, "earlier")
	add(later, "later")
	add(d.Missed, "more incidents missed")
	add(-d.Missed, "fewer incidents missed")
	return strings.Join(text, ", ")
}
