package slo

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

// DefaultStep is the length of a ledger step unless configured.
const DefaultStep = time.Minute

// maxPoints bounds a Series; a chart has fewer pixels.
const maxPoints = 10_000

// Ledger holds good and bad counts of every SLO. All methods may be called by
// several goroutines at once.
type Ledger struct {
	step time.Duration

	mu      sync.Mutex
	books   map[pitwall.SLOName]*book
	order   []*book // also those of objectives that are no more, to be saved
	routes  map[route][]*book
	clock   int64 // highest step a caller asked about: time that is known to be real
	present int64 // the step Now named last; 0: it never did
	front   int64 // highest step ever counted
	refused uint64

	store    pitwall.LedgerCells // nil: all cells are in memory
	opening  bool                // what the store has is being taken in
	next     int                 // where Prefetch goes on
	failed   bool                // the last reading of older cells
	failedAt int64               // step
	trouble  error               // the last one with the store
	gone     map[pitwall.SLOName]*book
	reads    uint64
}

// route is which spans an SLI looks at.
type route struct {
	service   string
	operation string // empty: all
}

// book is the account of one SLO.
type book struct {
	slo     pitwall.SLO
	steps   steps
	edges   []int64  // lengths of its windows in steps
	older   []packed // cells read back from the disk
	born    int64    // first step ever counted; -1: none
	through int64    // step up to which queries were counted; 0: never
	moved   bool     // through is not saved
	covered []cover  // by corrections
	slices  *verdicts
}

// add counts into one step and remembers when the account began.
func (l *Ledger) add(k *book, step int64, c pitwall.Counts) bool {
	ch := l.open(k, step)
	if ch == nil {
		return false
	}
	k.steps.put(ch, step, c)
	ch.dirty |= 1 << (step % chunkSteps)
	ch.unpacked = true
	l.counted(k, step)
	return true
}

// open gives the chunk of a step to count in; nil: the step is too old, too far
// ahead, or the cells beside it cannot be read.
func (l *Ledger) open(k *book, step int64) *chunk {
	s, id := &k.steps, step/chunkSteps
	if !s.admits(step, l.clock) {
		return nil
	}
	if id > s.newest || !s.any() {
		s.advance(id)
		s.drop(l.store != nil)
	}
	if c := s.at(id); c != nil {
		return c
	}
	if s.of(id) != (sums{}) {
		return l.thaw(k, id)
	}
	return s.hold(&chunk{id: id})
}

// counted takes note of a step that was counted in.
func (l *Ledger) counted(k *book, step int64) {
	l.front = max(l.front, step)
	if k.born < 0 || step < k.born {
		k.born = step
	}
	if k.covered != nil {
		k.uncover(step)
	}
	if k.slices != nil {
		k.slices.touch(step)
	}
}

// NewLedger makes an empty ledger. A step is a whole number of seconds; less is
// rounded up, zero is DefaultStep. Steps older than the longest window of their
// SLO, for a calendar window two periods, are forgotten as new ones come.
func NewLedger(slos []pitwall.SLO, step time.Duration) *Ledger {
	if step <= 0 {
		step = DefaultStep
	}
	step = (step + time.Second - 1).Truncate(time.Second)
	l := &Ledger{step: step, books: map[pitwall.SLOName]*book{}, routes: map[route][]*book{}}
	for _, s := range slos {
		b := l.newBook(s)
		l.books[s.Name] = b
		l.order = append(l.order, b)
		if OfSpans(s.SLI) {
			r := route{string(s.SLI.Service), s.SLI.Operation}
			l.routes[r] = append(l.routes[r], b)
		}
	}
	return l
}

func (l *Ledger) newBook(s pitwall.SLO) *book {
	var short time.Duration
	k := &book{slo: s, born: -1}
	windows := []time.Duration{s.Window}
	for _, t := range s.Tiers {
		windows = append(windows, t.Long, t.Short)
		short = max(short, t.Short)
	}
	for _, w := range windows {
		if n := int64(l.whole(w) / l.step); w > 0 && !slices.Contains(k.edges, n) {
			k.edges = append(k.edges, n)
		}
	}
	k.steps = newSteps(max(Reach(s), l.step), short, l.step)
	return k
}

// mostKept is how long counts are kept beyond what a window itself asks for.
const mostKept = 400 * day

// Reach is how far back the counts of an objective are needed: its longest
// window, of a calendar window this period and the one before if both lie within
// 400 days.
func Reach(s pitwall.SLO) time.Duration {
	longest := s.Window
	if c := s.Calendar; c != nil {
		period := time.Duration(max(1, c.Count)) * longestUnit(c.Unit)
		longest = max(longest, period, min(2*period, mostKept))
	}
	for _, t := range s.Tiers {
		longest = max(longest, t.Long, t.Short)
	}
	return longest
}

// Retention is how long a store keeps the counts of each objective: twice as
// long as they are needed, so that a report has something to compare with, if
// that is not more than 400 days.
func (l *Ledger) Retention() map[pitwall.SLOName]time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	keep := make(map[pitwall.SLOName]time.Duration, len(l.books))
	for name, k := range l.books {
		reach := Reach(k.slo)
		keep[name] = max(reach+lateness, min(2*reach, mostKept)) + day
	}
	return keep
}

// longestUnit is the longest a unit of the calendar may be, in winter time and
// leap years too.
func longestUnit(u pitwall.CalendarUnit) time.Duration {
	days := map[pitwall.CalendarUnit]time.Duration{pitwall.Day: 1, pitwall.Week: 7, pitwall.Month: 31, pitwall.Quarter: 92, pitwall.Year: 366}
	return days[u]*day + 2*time.Hour
}

// OfSpans says whether an indicator is counted from spans.
func OfSpans(i pitwall.SLI) bool {
	switch i.Kind {
	case pitwall.SLIAvailability, pitwall.SLILatency, "":
		return i.Query == nil && i.Composite == nil && i.Service != ""
	}
	return false
}

// Step is the length of a step.
func (l *Ledger) Step() time.Duration { return l.step }

// Refused is how many events were too old to count or ended further in the
// future than a whole window.
func (l *Ledger) Refused() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused
}

// Now tells the time. Once told, what ends more than ten minutes ahead of it is
// refused: one sender with a wrong clock would else move the window to where
// nothing of the present counts any more. Tell it before Load, so that what such
// a sender left behind is dropped, and as spans come.
func (l *Ledger) Now(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.present = now.UnixNano() / int64(l.step)
}

// ahead says whether a step cannot have happened yet.
func (l *Ledger) ahead(step int64) bool {
	return l.present > 0 && step > l.present+int64(lateness/l.step)+1
}

// Sum is what was counted in the steps that begin inside the period. The step
// in progress belongs to a period that ends now.
func (l *Ledger) Sum(name pitwall.SLOName, p pitwall.Period) pitwall.Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tally(name, p).Counts
}

// Series cuts a period into points of the given length, rounded up to whole
// ledger steps and to at most 10,000 points. A point without events is there
// with zero counts: no data, not a good ratio. Starts are multiples of the
// point's length.
func (l *Ledger) Series(name pitwall.SLOName, p pitwall.Period, step time.Duration) []pitwall.LedgerStep {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.books[name]
	if k == nil || p.Duration() <= 0 {
		return nil
	}
	width := max(1, ceil(int64(max(step, p.Duration()/maxPoints)), int64(l.step)))
	from, to := l.stepsOf(p)
	var list []pitwall.LedgerStep
	for at := from / width * width; at < to; at += width {
		list = append(list, pitwall.LedgerStep{SLO: name, Start: l.unix(at)})
	}
	first := from / width
	l.each(k, from, to, func(step int64, c pitwall.Counts) {
		at := &list[step/width-first].Counts
		*at = at.Add(c)
	})
	return list
}

// History gives every step of a period that saw something, oldest first, as far
// back as the store has it. What corrections leave out is in it.
func (l *Ledger) History(name pitwall.SLOName, p pitwall.Period) ([]pitwall.LedgerStep, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.books[name]
	if k == nil {
		return nil, &pitwall.Error{Op: "reading history", Kind: pitwall.NotFound, ID: string(name), Err: errors.New("no such objective")}
	}
	var list []pitwall.LedgerStep
	from, to := l.stepsOf(p)
	ok := l.each(k, from, to, func(step int64, c pitwall.Counts) {
		list = append(list, pitwall.LedgerStep{SLO: name, Start: l.unix(step), Counts: c})
	})
	if !ok {
		return nil, &pitwall.Error{Op: "reading history", Kind: pitwall.Unavailable, ID: string(name),
			Err: fmt.Errorf("older steps cannot be read: %w", l.trouble), Hint: "check the disk under the data directory"}
	}
	return list, nil
}

// tally sums a period of one SLO without what corrections leave out; the caller
// holds the lock.
func (l *Ledger) tally(name pitwall.SLOName, p pitwall.Period) tally {
	k := l.books[name]
	if k == nil {
		return tally{}
	}
	from, to := l.stepsOf(p)
	return l.counting(k, from, to)
}

// stepsOf gives the numbers of the steps that begin inside a period.
func (l *Ledger) stepsOf(p pitwall.Period) (from, to int64) { return l.stepAt(p.From), l.stepAt(p.To) }

// stepAt is the first step that begins at an instant or later; before 1970 the
// first of all.
func (l *Ledger) stepAt(t time.Time) int64 {
	seconds := int64(l.step / time.Second)
	at := max(0, t.Unix())
	n := at / seconds
	if t.Unix() >= 0 && (at%seconds != 0 || t.Nanosecond() > 0) {
		n++
	}
	return n
}

func byStart(a, b pitwall.LedgerStep) int { return cmp.Compare(a.Start, b.Start) }

func (l *Ledger) unix(step int64) int64 { return step * int64(l.step/time.Second) }

// ceil divides and rounds up; negative instants (before 1970) give zero.
func ceil(a, b int64) int64 {
	if a <= 0 {
		return 0
	}
	return (a-1)/b + 1
}
