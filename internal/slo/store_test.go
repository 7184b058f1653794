package slo

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// disk is a store in memory. It keeps its promises, and can be broken.
type disk struct {
	chunks  map[pitwall.SLOName]map[int64]pitwall.LedgerChunk
	recent  []pitwall.LedgerSave
	through map[pitwall.SLOName]time.Time
	saved   pitwall.LedgerSaved
	broken  bool
	reads   int
}

var errDisk = errors.New("the disk is on fire")

func newDisk() *disk {
	return &disk{chunks: map[pitwall.SLOName]map[int64]pitwall.LedgerChunk{}, through: map[pitwall.SLOName]time.Time{}}
}

func (d *disk) SaveLedger(_ context.Context, save pitwall.LedgerSave) error {
	if d.broken {
		return errDisk
	}
	for _, c := range save.Chunks {
		if d.chunks[c.SLO] == nil {
			d.chunks[c.SLO] = map[int64]pitwall.LedgerChunk{}
		}
		d.chunks[c.SLO][c.Start] = c
	}
	d.recent = append(d.recent, save)
	d.recent = slices.DeleteFunc(d.recent, func(s pitwall.LedgerSave) bool {
		return !slices.ContainsFunc(s.Steps, func(s pitwall.LedgerStep) bool { return s.Start >= save.Settled })
	})
	maps.Copy(d.through, save.Through)
	d.saved.Chunk, d.saved.Position = save.Chunk, save.Position
	return nil
}

func (d *disk) LoadLedger(_ context.Context, since time.Time, visit pitwall.LedgerVisit) (pitwall.LedgerSaved, error) {
	for _, chunks := range d.chunks {
		for _, c := range slices.SortedFunc(maps.Values(chunks), func(a, b pitwall.LedgerChunk) int { return cmp.Compare(a.Start, b.Start) }) {
			if c.Cells = nil; c.Start >= since.Unix() {
				if err := visit.Chunk(c); err != nil {
					return d.saved, err
				}
			}
		}
	}
	for _, save := range d.recent {
		for _, s := range save.Steps {
			if err := visit.Step(s); err != nil {
				return d.saved, err
			}
		}
	}
	d.saved.Through = d.through
	return d.saved, nil
}

func (d *disk) Cells(_ context.Context, slo pitwall.SLOName, p pitwall.Period) (list []pitwall.LedgerChunk, err error) {
	if d.reads++; d.broken {
		return nil, errDisk
	}
	for _, c := range d.chunks[slo] {
		if p.Contains(time.Unix(c.Start, 0)) {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b pitwall.LedgerChunk) int { return cmp.Compare(a.Start, b.Start) })
	return list, nil
}

// truth is every step as a map, the plainest ledger there is.
type truth map[int64]pitwall.Counts

func (m truth) sum(from, to int64, covered []cover) (c pitwall.Counts, seen uint64) {
	for step, n := range m {
		if step >= from && step < to && !slices.ContainsFunc(covered, func(c cover) bool { return c.from <= step && step < c.to }) {
			c = c.Add(n)
			seen++
		}
	}
	return c, seen
}

// story is a ledger with its store, killed and restarted at random, beside the
// truth.
type story struct {
	t     *testing.T
	rng   *rand.Rand
	slos  []pitwall.SLO
	step  time.Duration
	l     *Ledger
	disk  *disk
	truth map[pitwall.SLOName]truth
	log   []pitwall.SpanRow // the span log; position is its length
	list  []pitwall.Correction
	now   time.Time
	query truth     // increments not yet counted are asked again after a kill
	upTo  time.Time // through which query has been asked
}

func newStory(t *testing.T, seed uint64) *story {
	w := &story{t: t, rng: rand.New(rand.NewPCG(seed, 9)), disk: newDisk(), truth: map[pitwall.SLOName]truth{}, query: truth{}}
	w.step = []time.Duration{time.Second, 10 * time.Second, time.Minute}[w.rng.IntN(3)]
	spans := checkoutSLO("spans", time.Duration(500+w.rng.IntN(2500))*w.step)
	spans.Tiers = []pitwall.BurnTier{{Long: 300 * w.step, Short: 20 * w.step}, {Long: 90 * w.step, Short: 8 * w.step}}
	query := checkoutSLO("query", spans.Window)
	query.SLI = pitwall.SLI{Kind: pitwall.SLIEvents, Service: "shop", Query: &pitwall.SLIQuery{Total: "x"}}
	sliced := spans
	sliced.Name, sliced.Budgeting = "sliced", []pitwall.Budgeting{pitwall.Timeslices, pitwall.RatioTimeslices}[w.rng.IntN(2)]
	sliced.Slices = &pitwall.Slices{Length: time.Duration(1+w.rng.IntN(90)) * w.step, Target: 0.8}
	w.slos = []pitwall.SLO{spans, query, sliced}
	for _, s := range w.slos {
		w.truth[s.Name] = truth{}
	}
	w.now = time.Unix(t0.Unix()/60*60, 0)
	w.upTo = w.now
	w.start()
	return w
}

func (w *story) start() {
	w.l = NewLedger(w.slos, w.step)
	w.l.Now(w.now)
	w.l.Correct(w.list)
	position, err := w.l.Open(w.t.Context(), w.disk)
	if err != nil {
		w.t.Fatal(err)
	}
	w.l.Feed(batch(w.log[position:]...))
	w.count()
}

func (w *story) at(t time.Time) int64 { return t.Unix() / int64(w.step/time.Second) }

// traffic lets some time pass: spans in time, late, and very late.
func (w *story) traffic() {
	w.now = w.now.Add(time.Duration(w.rng.IntN(40)) * w.step)
	w.l.Now(w.now)
	var rows []pitwall.SpanRow
	for range w.rng.IntN(25) {
		late := w.rng.Int64N(int64(8 * w.step))
		switch w.rng.IntN(40) {
		case 0:
			late = w.rng.Int64N(int64(w.slos[0].Window / 2)) // sent again after an outage
		case 1, 2, 3:
			late = w.rng.Int64N(int64(min(lateness, w.slos[0].Window/2)))
		}
		rows = append(rows, span(w.now.Add(-time.Duration(late)), time.Millisecond, w.rng.IntN(6) == 0))
	}
	for _, r := range rows {
		for _, name := range []pitwall.SLOName{"spans", "sliced"} {
			step := w.at(r.Start.Add(r.Duration))
			w.truth[name][step] = w.truth[name][step].Add(countOf(r))
		}
	}
	w.log = append(w.log, rows...)
	w.l.Feed(batch(rows...))
}

func countOf(r pitwall.SpanRow) pitwall.Counts {
	if r.Failed {
		return pitwall.Counts{Bad: 1}
	}
	return pitwall.Counts{Good: 1}
}

// ask counts the query up to now, from where the ledger says it is; the world
// answers the same however often it is asked.
func (w *story) ask() {
	for ; w.upTo.Before(w.now.Truncate(w.step)); w.upTo = w.upTo.Add(w.step) {
		if w.rng.IntN(3) > 0 {
			w.query[w.at(w.upTo)] = pitwall.Counts{Good: w.rng.Uint64N(1e5), Bad: 1 + w.rng.Uint64N(9)}
		}
	}
	w.count()
}

func (w *story) count() {
	through := w.l.Through("query")
	var list []pitwall.LedgerStep
	for step, c := range w.query {
		if start := step * int64(w.step/time.Second); through.IsZero() || start >= through.Unix() {
			list = append(list, pitwall.LedgerStep{SLO: "query", Start: start, Counts: c})
		}
	}
	if !w.upTo.After(through) {
		return
	}
	if err := w.l.Count("query", list, w.upTo); err != nil {
		w.t.Fatal(err)
	}
	if err := w.l.Count("query", list, w.upTo); pitwall.KindOf(err) != pitwall.Conflict {
		w.t.Fatalf("the same increments again: %v", err)
	}
	w.truth["query"] = w.query
}

func (w *story) save(works bool) {
	save := w.l.Dirty()
	save.Position = uint64(len(w.log))
	if !works {
		w.l.Keep(save)
		return
	}
	if err := w.disk.SaveLedger(w.t.Context(), save); err != nil {
		w.t.Fatal(err)
	}
	w.l.Saved(save)
}

func (w *story) correct() {
	from := w.now.Add(-time.Duration(w.rng.Int64N(int64(w.slos[0].Window))))
	w.list = append(w.list, pitwall.Correction{Period: period(from, from.Add(time.Duration(w.rng.Int64N(int64(200*w.step)))))})
	if len(w.list) > 4 {
		w.list[w.rng.IntN(len(w.list))].Revoked = &pitwall.Revoked{By: "ada"}
	}
	w.l.Correct(w.list)
}

func (w *story) covered() (list []cover) {
	for _, c := range w.list {
		if from, to := w.l.stepsOf(c.Period); c.Revoked == nil {
			list = append(list, cover{from: from, to: to})
		}
	}
	return list
}

// check compares sums of a random period within the window.
func (w *story) check(what string) {
	window := int64(w.slos[0].Window / w.step)
	to := w.at(w.now) + 1 - w.rng.Int64N(window)*w.rng.Int64N(2)
	from := max(w.at(w.now)-window+1, to-w.rng.Int64N(window))
	seconds := int64(w.step / time.Second)
	p := period(time.Unix(from*seconds, 0), time.Unix(to*seconds, 0))
	for _, s := range w.slos {
		want, seen := w.truth[s.Name].sum(from, to, w.covered())
		if got := w.l.tally(s.Name, p); got.Counts != want || got.seen != seen || got.blind {
			w.t.Fatalf("%s: %s [%d,%d) = %+v, want %+v in %d steps", what, s.Name, from, to, got, want, seen)
		}
	}
	var all, series pitwall.Counts
	for _, pt := range w.l.Series("spans", p, 7*w.step) {
		series = series.Add(pt.Counts)
	}
	if all, _ = w.truth["spans"].sum(from, to, nil); series != all {
		w.t.Fatalf("%s: the series adds up to %+v, want %+v", what, series, all)
	}
	w.checkSlices(what, p)
}

func TestLedgerLivesThroughKills(t *testing.T) {
	for seed := range uint64(8) {
		w := newStory(t, seed)
		for range 160 {
			w.traffic()
			w.check("fed")
			switch w.rng.IntN(12) {
			case 0:
				w.start()
				w.check("killed")
			case 1:
				w.save(false)
			case 2, 3, 4:
				w.save(true)
			case 5, 6:
				w.ask()
			case 7:
				if err := w.l.Prefetch(t.Context(), w.now, 3); err != nil {
					t.Fatal(err)
				}
			case 8:
				if w.rng.IntN(8) == 0 {
					w.correct()
				}
			}
			w.check("then")
		}
		if n := w.l.Refused(); n != 0 {
			t.Fatalf("seed %d: %d events refused", seed, n)
		}
	}
}

// TestHistoryOfNothing: a book without counts has no history, however far back
// somebody asks.
func TestHistoryOfNothing(t *testing.T) {
	s := month(0.999)
	l := NewLedger([]pitwall.SLO{s}, time.Minute)
	list, err := l.History(s.Name, pitwall.Period{From: time.Time{}, To: t0})
	if err != nil || len(list) > 0 || l.Sum(s.Name, pitwall.Period{From: time.Time{}, To: t0}) != (pitwall.Counts{}) {
		t.Errorf("%v, %v", list, err)
	}
}
