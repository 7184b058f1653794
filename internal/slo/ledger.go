package slo

import (
	"cmp"
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
	order   []*book
	routes  map[route][]*book
	clock   int64 // highest step a caller asked about: time that is known to be real
	present int64 // the step Now named last; 0: it never did
	refused uint64
}

// route is which spans an SLI looks at.
type route struct {
	service   string
	operation string
}

// book is the account of one SLO.
type book struct {
	slo   pitwall.SLO
	steps steps
	dirty map[int64]struct{} // step numbers
	born  int64              // first step ever counted; -1: none
}

// add counts into one step and remembers when the account began.
func (k *book) add(step int64, c pitwall.Counts, clock int64) bool {
	if !k.steps.add(step, c, clock) {
		return false
	}
	if k.born < 0 || step < k.born {
		k.born = step
	}
	return true
}

// NewLedger makes an empty ledger. A step is a whole number of seconds; less is
// rounded up, zero is DefaultStep. Steps older than the longest window of their
// SLO are forgotten as new ones come.
func NewLedger(slos []pitwall.SLO, step time.Duration) *Ledger {
	if step <= 0 {
		step = DefaultStep
	}
	step = (step + time.Second - 1).Truncate(time.Second)
	l := &Ledger{step: step, books: map[pitwall.SLOName]*book{}, routes: map[route][]*book{}}
	for _, s := range slos {
		longest := s.Window
		for _, t := range s.Tiers {
			longest = max(longest, t.Long, t.Short)
		}
		b := &book{slo: s, steps: newSteps(max(longest, step), step), dirty: map[int64]struct{}{}, born: -1}
		l.books[s.Name] = b
		l.order = append(l.order, b)
		r := route{string(s.SLI.Service), s.SLI.Operation}
		l.routes[r] = append(l.routes[r], b)
	}
	return l
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

// Feed counts a batch of spans. A server span of the SLI's service and
// operation counts in the step in which it ended, in whatever order spans
// arrive. It is good if it did not fail and, for latency, took at most the
// threshold.
func (l *Ledger) Feed(b *pitwall.SpanBatch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := map[uint64][]*book{} // service and operation numbers of this batch
	for i := range b.Len() {
		if b.Kind[i] != pitwall.SpanServer {
			continue
		}
		key := uint64(b.Service[i])<<32 | uint64(b.Operation[i])
		books, seen := known[key]
		if !seen {
			books = l.routes[route{b.Strings[b.Service[i]], b.Strings[b.Operation[i]]}]
			known[key] = books
		}
		for _, k := range books {
			l.count(k, b, i)
		}
	}
}

func (l *Ledger) count(k *book, b *pitwall.SpanBatch, i int) {
	one := pitwall.Counts{Bad: 1}
	inTime := k.slo.SLI.Kind != pitwall.SLILatency || time.Duration(b.Duration[i]) <= k.slo.SLI.Threshold
	if !b.Failed[i] && inTime {
		one = pitwall.Counts{Good: 1}
	}
	end := b.Start[i] + b.Duration[i]
	step := end / int64(l.step)
	if b.Start[i] < 0 || end < 0 || l.ahead(step) || !k.add(step, one, l.clock) {
		l.refused++
		return
	}
	k.dirty[step] = struct{}{}
}

// Dirty gives the absolute counts of every step touched since the last call,
// for a store that keeps one row for each step. If saving fails, give them back
// with Keep.
func (l *Ledger) Dirty() []pitwall.LedgerStep {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []pitwall.LedgerStep
	for _, k := range l.order {
		from := len(list)
		for step := range k.dirty {
			if c := k.steps.get(step); c.Total() > 0 {
				list = append(list, pitwall.LedgerStep{SLO: k.slo.Name, Start: l.unix(step), Counts: c})
			}
		}
		clear(k.dirty)
		slices.SortFunc(list[from:], byStart)
	}
	return list
}

// Keep marks steps as touched again, after they could not be saved. Their
// counts are read anew by the next Dirty.
func (l *Ledger) Keep(steps []pitwall.LedgerStep) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range steps {
		if k := l.books[s.SLO]; k != nil {
			k.dirty[s.Start/int64(l.step/time.Second)] = struct{}{}
		}
	}
}

// Load adds stored steps to a ledger that has counted nothing yet. Steps of an
// SLO that is no longer defined are left out. Stored steps that do not begin
// where a step of this ledger begins mean that the step was made longer since,
// which cannot be told apart from new counts and is refused.
func (l *Ledger) Load(steps []pitwall.LedgerStep) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	seconds := int64(l.step / time.Second)
	for _, s := range steps {
		if s.Start < 0 || s.Start%seconds != 0 {
			return &pitwall.Error{Op: "loading ledger", Kind: pitwall.Invalid, ID: string(s.SLO),
				Err:  fmt.Errorf("a stored step begins at %d, which is no multiple of the ledger step %s", s.Start, l.step),
				Hint: "set ledger_step back, or start with an empty data_dir"}
		}
	}
	sorted := slices.Clone(steps)
	slices.SortFunc(sorted, byStart)
	for _, s := range sorted {
		if k := l.books[s.SLO]; k != nil && !l.ahead(s.Start/seconds) {
			k.add(s.Start/seconds, s.Counts, l.clock)
		}
	}
	return nil
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
		list = append(list, pitwall.LedgerStep{SLO: name, Start: l.unix(at), Counts: k.steps.sum(max(at, from), min(at+width, to)).Counts})
	}
	return list
}

// tally sums a period of one SLO; the caller holds the lock.
func (l *Ledger) tally(name pitwall.SLOName, p pitwall.Period) tally {
	k := l.books[name]
	if k == nil {
		return tally{}
	}
	return k.steps.sum(l.stepsOf(p))
}

// stepsOf gives the numbers of the steps that begin inside a period.
func (l *Ledger) stepsOf(p pitwall.Period) (from, to int64) {
	return ceil(p.From.UnixNano(), int64(l.step)), ceil(p.To.UnixNano(), int64(l.step))
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
