package slo

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

// monthly is a 30-day SLO at one-minute steps of which every minute of some days
// up to now was counted and saved.
func monthly(t testing.TB, days int) (*Ledger, *disk, time.Time) {
	t.Helper()
	d, now := newDisk(), time.Unix(t0.Unix()/60*60, 0)
	s := checkoutSLO("s", 30*24*time.Hour)
	// Only tiers whose windows end now: silence makes others look at earlier days.
	s.Tiers = slices.DeleteFunc(s.Tiers, func(t pitwall.BurnTier) bool { return t.When != "" && t.When != pitwall.WhenBurn })
	l := NewLedger([]pitwall.SLO{s}, time.Minute)
	l.Now(now)
	if _, err := l.Open(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 3))
	for day := range days {
		var list []pitwall.LedgerStep
		begin := now.Add(time.Duration(day-days) * 24 * time.Hour)
		for m := range 24 * 60 {
			list = append(list, pitwall.LedgerStep{SLO: "s", Start: begin.Unix() + int64(m)*60, Counts: pitwall.Counts{Good: 6000, Bad: rng.Uint64N(30)}})
		}
		if err := l.Count("s", list, begin.Add(24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		save := l.Dirty()
		if err := d.SaveLedger(t.Context(), save); err != nil {
			t.Fatal(err)
		}
		l.Saved(save)
	}
	return l, d, now
}

func TestOlderStepsLeaveMemory(t *testing.T) {
	l, d, now := monthly(t, 40)
	g := l.Growth()
	if g.Chunks > 12 || g.Memory > 32<<10 || g.Unsaved > 2 {
		t.Errorf("a month of a busy SLO holds %+v", g)
	}
	s := l.books["s"].slo
	want := l.Budget(s, now)
	if !want.Known || want.Counts.Good != 30*24*60*6000 || want.Coverage != 1 {
		t.Fatalf("the month: %+v", want)
	}
	// With the cells prefetched a round of evaluations asks the disk nothing.
	if err := l.Prefetch(t.Context(), now, 100); err != nil {
		t.Fatal(err)
	}
	before := d.reads
	for i := range 30 {
		l.Budget(s, now.Add(time.Duration(i)*time.Minute))
	}
	if d.reads != before {
		t.Errorf("%d readings in half an hour after a prefetch", d.reads-before)
	}
	// A restart changes nothing, not even for a window beyond memory.
	again := NewLedger([]pitwall.SLO{s}, time.Minute)
	again.Now(now)
	if _, err := again.Open(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, again.Budget(s, now)); diff != "" {
		t.Errorf("after a restart (-before +after):\n%s", diff)
	}
	for _, one := range []*Ledger{l, again} {
		if got := one.Sum("s", period(now.Add(-40*24*time.Hour), now)); got.Good != 40*24*60*6000 {
			t.Errorf("forty days count %+v", got)
		}
	}
	steps, err := again.History("s", period(now.Add(-40*24*time.Hour), now))
	if err != nil || len(steps) != 40*24*60 {
		t.Errorf("%d steps of history, %v", len(steps), err)
	}
}

// TestBackfillIsSavedAsChunks: steps long over are not saved one by one, however
// many there are at once.
func TestBackfillIsSavedAsChunks(t *testing.T) {
	l, _, now := monthly(t, 1)
	again := NewLedger([]pitwall.SLO{l.books["s"].slo}, time.Minute)
	again.Now(now)
	list, err := l.History("s", period(now.Add(-24*time.Hour), now))
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Count("s", list, now); err != nil {
		t.Fatal(err)
	}
	save := again.Dirty()
	if len(save.Chunks) < 21 || len(save.Steps) > 80 {
		t.Errorf("a day is %d chunks and %d steps", len(save.Chunks), len(save.Steps))
	}
	for _, s := range save.Steps {
		if s.Start < save.Settled {
			t.Errorf("the step at %d is not settled at %d", s.Start, save.Settled)
		}
	}
	// What could not be saved comes again, all of it, and nothing twice.
	again.Keep(save)
	second := again.Dirty()
	if diff := cmp.Diff(save, second); diff != "" {
		t.Errorf("after Keep (-first +second):\n%s", diff)
	}
	again.Saved(second)
	if third := again.Dirty(); len(third.Steps)+len(third.Chunks)+len(third.Through) != 0 {
		t.Errorf("saved, and given out again: %+v", third)
	}
}

// TestDiskDoesNotAnswer: no number is better than a wrong one.
func TestDiskDoesNotAnswer(t *testing.T) {
	l, d, now := monthly(t, 31)
	s := l.books["s"].slo
	want := l.Budget(s, now)
	l.books["s"].older = nil
	d.broken = true
	b := l.Budget(s, now)
	if b.Known || b.Spent != 0 || b.Coverage != 0 || b.Counts.Total() != 0 {
		t.Errorf("the month is known without the disk: %+v", b)
	}
	if tier := b.Tiers[0]; !tier.Known || tier.Long != want.Tiers[0].Long {
		t.Errorf("the last minutes are in memory, yet %+v", tier)
	}
	if l.Growth().Trouble == "" {
		t.Error("nobody hears of the disk")
	}
	if _, err := l.History("s", period(now.Add(-24*time.Hour), now)); pitwall.KindOf(err) != pitwall.Unavailable || !errors.Is(err, errDisk) {
		t.Errorf("history: %v", err)
	}
	asked := d.reads
	for range 100 {
		l.Budget(s, now)
	}
	if d.reads > asked+1 {
		t.Errorf("a broken disk was asked %d times within a step", d.reads-asked)
	}
	d.broken = false
	later := now.Add(time.Minute)
	if b := l.Budget(s, later); !b.Known || l.Growth().Trouble != "" {
		t.Errorf("the disk is back, yet %+v", b)
	}
}

// TestDamagedCellsAreNotCounted: what was counted and what the disk says differ.
func TestDamagedCellsAreNotCounted(t *testing.T) {
	for name, damage := range map[string]func(list map[int64]pitwall.LedgerChunk, start int64){
		"cut off": func(list map[int64]pitwall.LedgerChunk, start int64) {
			c := list[start]
			c.Cells = c.Cells[:9]
			list[start] = c
		},
		"others": func(list map[int64]pitwall.LedgerChunk, start int64) {
			c := list[start]
			c.Cells = (&cells{}).pack()
			list[start] = c
		},
		"gone": func(list map[int64]pitwall.LedgerChunk, start int64) { delete(list, start) },
	} {
		l, d, now := monthly(t, 31)
		for start := range d.chunks["s"] {
			damage(d.chunks["s"], start)
		}
		if b := l.Budget(l.books["s"].slo, now); b.Known {
			t.Errorf("%s: %+v", name, b)
		}
		_, err := l.History("s", period(now.Add(-24*time.Hour), now))
		if pitwall.KindOf(err) != pitwall.Unavailable || !strings.Contains(err.Error(), "s from ") {
			t.Errorf("%s: history: %v", name, err)
		}
	}
}

// TestObjectiveComesBack: what was counted before it went is there again.
func TestObjectiveComesBack(t *testing.T) {
	d := newDisk()
	slos := []pitwall.SLO{checkoutSLO("a", time.Hour), checkoutSLO("b", time.Hour)}
	now := t0
	run := func(slos []pitwall.SLO, minutes int) *Ledger {
		l := NewLedger(slos, time.Second)
		l.Now(now)
		if _, err := l.Open(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		for range minutes {
			now = now.Add(time.Minute)
			l.Now(now)
			l.Feed(batch(span(now, 0, false)))
			save := l.Dirty()
			if err := d.SaveLedger(t.Context(), save); err != nil {
				t.Fatal(err)
			}
			l.Saved(save)
		}
		return l
	}
	run(slos, 15)
	run(slos[:1], 25)
	l := run(slos, 1)
	for name, want := range map[pitwall.SLOName]uint64{"a": 41, "b": 16} {
		if got := l.Sum(name, period(now.Add(-time.Hour), now.Add(time.Second))); got.Good != want {
			t.Errorf("%s counts %+v, want %d", name, got, want)
		}
	}
}

func TestOpenRefusesAnotherStep(t *testing.T) {
	_, d, now := monthly(t, 2)
	for _, step := range []time.Duration{time.Second, 2 * time.Minute} {
		l := NewLedger([]pitwall.SLO{checkoutSLO("s", 30*24*time.Hour)}, step)
		l.Now(now)
		if _, err := l.Open(t.Context(), d); pitwall.KindOf(err) != pitwall.Invalid || pitwall.HintOf(err) == "" {
			t.Errorf("steps of a minute in a ledger of %s: %v", step, err)
		}
	}
	d.broken = true
	if err := NewLedger(nil, 2*time.Minute).Load([]pitwall.LedgerStep{{SLO: "s", Start: 60}}); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("Load: %v", err)
	}
}

// TestAgeSurvivesARestart: a young account stays as young as it is, to the step.
func TestAgeSurvivesARestart(t *testing.T) {
	l, d, now := monthly(t, 1)
	born := l.books["s"].born
	again := NewLedger([]pitwall.SLO{l.books["s"].slo}, time.Minute)
	again.Now(now)
	if _, err := again.Open(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if got := again.books["s"].born; got != born {
		t.Errorf("born in step %d, after the restart in %d", born, got)
	}
}

func TestWholeServiceIsFed(t *testing.T) {
	whole, one, other := checkoutSLO("whole", time.Hour), checkoutSLO("one", time.Hour), checkoutSLO("other", time.Hour)
	whole.SLI.Operation, other.SLI.Service = "", "shop"
	query := checkoutSLO("query", time.Hour)
	query.SLI.Operation, query.SLI.Query = "", &pitwall.SLIQuery{}
	l := NewLedger([]pitwall.SLO{whole, one, other, query}, time.Second)
	cart, client := span(t0, 0, true), span(t0, 0, false)
	cart.Operation, client.Kind = "GET /cart", pitwall.SpanClient
	none := span(t0, 0, false)
	none.Operation = ""
	l.Feed(batch(span(t0, 0, false), cart, client, none, span(t0, 0, false)))
	for name, want := range map[pitwall.SLOName]pitwall.Counts{"whole": {Good: 3, Bad: 1}, "one": {Good: 2}, "other": {}, "query": {}} {
		if got := l.Sum(name, period(t0, t0.Add(time.Second))); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestCountRefuses(t *testing.T) {
	l := NewLedger([]pitwall.SLO{checkoutSLO("s", time.Hour)}, time.Minute)
	now := time.Unix(t0.Unix()/60*60, 0)
	l.Now(now)
	step := func(minutes int) pitwall.LedgerStep {
		return pitwall.LedgerStep{SLO: "s", Start: now.Add(time.Duration(minutes) * time.Minute).Unix(), Counts: pitwall.Counts{Good: 1}}
	}
	f := func(want pitwall.Kind, name pitwall.SLOName, through time.Time, steps ...pitwall.LedgerStep) {
		t.Helper()
		before, upTo := l.Sum("s", period(now.Add(-time.Hour), now.Add(time.Hour))), l.Through("s")
		err := l.Count(name, steps, through)
		if pitwall.KindOf(err) != want {
			t.Errorf("%v, want kind %q", err, want)
		}
		if after := l.Sum("s", period(now.Add(-time.Hour), now.Add(time.Hour))); err != nil && (after != before || l.Through("s") != upTo) {
			t.Errorf("refused, yet it counts %+v through %s", after, l.Through("s"))
		}
	}
	f("", "s", now.Add(-10*time.Minute), step(-20), step(-11))
	f(pitwall.Conflict, "s", now.Add(-10*time.Minute), step(-11))
	f(pitwall.Conflict, "s", now, step(-1), step(-11))
	f(pitwall.Conflict, "s", now, step(0))
	f(pitwall.Invalid, "s", now.Add(time.Second))
	f(pitwall.Invalid, "s", now, pitwall.LedgerStep{Start: now.Unix() - 61})
	f(pitwall.Invalid, "s", now.Add(time.Hour), step(30))
	f(pitwall.NotFound, "x", now)
	f("", "s", now)
	if got := l.Through("s"); !got.Equal(now) || !l.Through("x").IsZero() {
		t.Errorf("through %s", got)
	}
}
