package slo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pitwall/pitwall"
)

// watched is an objective with tiers of every action.
func watched() pitwall.SLO {
	s := month(0.999)
	s.Owner = "shop"
	s.Tiers = []pitwall.BurnTier{
		{Name: "page", Factor: 14.4, Long: time.Hour, Short: 2 * time.Minute, Action: pitwall.ActionPage, OpensPlan: true},
		{Name: "page-slow", Factor: 5, Long: 6 * time.Hour, Short: 2 * time.Minute, For: 3 * time.Minute, Action: pitwall.ActionPage, OpensPlan: true},
		{Name: "ticket", Factor: 1, Long: day, Short: 2 * time.Minute, Action: pitwall.ActionTicket},
	}
	return s
}

// seenBudget is a budget in which the named tiers hold; "name?" cannot be told.
func seenBudget(s pitwall.SLO, now time.Time, names string) pitwall.ErrorBudget {
	b := pitwall.ErrorBudget{SLO: s.Name, At: now, Known: true, Spent: 0.25, LeftOfWhole: 0.75}
	for _, t := range s.Tiers {
		st := pitwall.TierState{Tier: t, Known: true, Long: pitwall.Counts{Good: 10}}
		for _, name := range strings.Fields(names) {
			st.Firing = st.Firing || name == t.Name
			st.Known = st.Known && name != t.Name+"?"
		}
		b.Tiers = append(b.Tiers, st)
	}
	return b
}

// watch runs evaluations half a minute apart and tells what moved, one line each.
func watch(w *Watcher, s pitwall.SLO, from time.Time, looks []string) (lines []string) {
	for i, names := range looks {
		at := from.Add(time.Duration(i) * 30 * time.Second)
		for _, m := range w.Observe(at, s, seenBudget(s, at, names)) {
			line := fmt.Sprintf("%d %s %s", i, m.Move, m.Alarm.State.Tier.Name)
			if m.By != "" {
				line += " by " + strings.Split(m.By, "/")[1]
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func TestWatcher(t *testing.T) {
	f := func(name string, p Patience, looks []string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, watch(NewWatcher(p), watched(), t0, looks)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	repeat := func(n int, names string) (list []string) {
		for range n {
			list = append(list, names)
		}
		return list
	}
	join := func(parts ...[]string) (list []string) {
		for _, p := range parts {
			list = append(list, p...)
		}
		return list
	}
	f("fires once, and is over when the short window is clean", Patience{}, join(repeat(3, "page"), repeat(8, "")), "0 fired page", "7 resolved page")
	f("flapping is one alarm", Patience{}, join(repeat(2, "page"), repeat(3, ""), repeat(1, "page"), repeat(3, ""), repeat(1, "page"), repeat(6, "")), "0 fired page", "14 resolved page")
	f("a transient is nothing", Patience{Confirm: 3}, []string{"page", "page", "", "page", "", "", ""})
	f("three in a row are confirmed", Patience{Confirm: 3}, []string{"page", "page", "page"}, "2 fired page")
	f("for three minutes", Patience{}, join(repeat(6, "page-slow"), repeat(1, ""), repeat(8, "page-slow")), "13 fired page-slow")
	f("the worst speaks", Patience{}, join(repeat(2, "ticket"), repeat(3, "page ticket"), repeat(6, "ticket")),
		"0 fired ticket", "2 fired page", "2 inhibited ticket by page", "9 resolved page", "9 released ticket by page")
	f("two pages are one", Patience{}, join(repeat(9, "page page-slow ticket"), repeat(6, "page-slow")),
		"0 fired page", "0 inhibited ticket by page", "6 inhibited page-slow by page", "13 resolved page", "13 resolved ticket by page", "13 released page-slow by page")
	f("no data is not the end", Patience{}, join(repeat(1, "page"), repeat(20, "page?"), repeat(5, "")), "0 fired page", "25 resolved page")
	f("nothing", Patience{}, repeat(5, ""))
}

// TestNothingLeftIsTheEnd: once the long window is empty too, an alarm ends.
func TestNothingLeftIsTheEnd(t *testing.T) {
	s, w := watched(), NewWatcher(Patience{})
	w.Observe(t0, s, seenBudget(s, t0, "page"))
	empty := seenBudget(s, t0, "page?")
	empty.Tiers[0].Long = pitwall.Counts{}
	var moves []Transition
	for i := range 6 {
		moves = append(moves, w.Observe(t0.Add(time.Duration(i+1)*30*time.Second), s, empty)...)
	}
	if len(moves) != 1 || moves[0].Move != Resolved || moves[0].Alarm.State.Known {
		t.Errorf("%+v", moves)
	}
}

func TestAlarmOfATransition(t *testing.T) {
	s, w := watched(), NewWatcher(Patience{})
	first := w.Observe(t0, s, seenBudget(s, t0, "page"))
	a := first[0].Alarm
	if a.ID == "" || a.Owner != "shop" || a.Action != pitwall.ActionPage || !a.Since.Equal(t0) || a.Left != 0.75 || !a.Firing() {
		t.Errorf("fired: %+v", a)
	}
	if burn, ok := w.Burning(s, t0); !ok || burn.State.Tier.Name != "page" {
		t.Errorf("burning: %+v", burn)
	}
	if alarms, _ := w.Firing(); len(alarms) != 1 || alarms[0].ID != a.ID {
		t.Errorf("firing: %+v", alarms)
	}
	// A tier that the objective has no more ends, and an objective that is no more.
	fewer := s
	fewer.Tiers = s.Tiers[1:]
	gone := w.Observe(t0.Add(time.Minute), fewer, seenBudget(fewer, t0.Add(time.Minute), ""))
	if len(gone) != 1 || gone[0].Move != Resolved || gone[0].Alarm.ID != a.ID || gone[0].Alarm.Firing() {
		t.Errorf("a tier that is no more: %+v", gone)
	}
	w.Observe(t0, s, seenBudget(s, t0, "page"))
	if moves := w.Retain(nil, t0.Add(time.Hour)); len(moves) != 1 || moves[0].Move != Resolved {
		t.Errorf("an objective that is no more: %+v", moves)
	}
	if len(w.State()) != 0 {
		t.Errorf("it remembers %+v", w.State())
	}
}

// TestWatcherRestarts: one that is stopped at any evaluation and restored, through
// JSON, moves as one that was never stopped.
func TestWatcherRestarts(t *testing.T) {
	moved := 0
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 5))
		s, p := watched(), Patience{Confirm: rng.IntN(3), Clear: rng.IntN(4)}
		steady, restarted := NewWatcher(p), NewWatcher(p)
		held := ""
		for i := range 80 {
			if rng.IntN(4) == 0 {
				held = strings.Join([]string{"page", "page-slow", "ticket", "page?"}[rng.IntN(4):][:rng.IntN(2)], " ")
			}
			at := t0.Add(time.Duration(i) * 30 * time.Second)
			b := seenBudget(s, at, held)
			want, got := steady.Observe(at, s, b), restarted.Observe(at, s, b)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, evaluation %d:\n%s", seed, i, diff)
			}
			moved += len(want)
			if rng.IntN(5) == 0 {
				raw, err := json.Marshal(restarted.State())
				if err != nil {
					t.Fatal(err)
				}
				var state []Memory
				if err := json.Unmarshal(raw, &state); err != nil {
					t.Fatal(err)
				}
				restarted = NewWatcher(p)
				restarted.Restore(state)
			}
		}
	}
	if moved < 100 {
		t.Errorf("only %d moves", moved)
	}
}

// TestWatcherOverALedger: an outage of ten minutes is one page, whose alarm tells
// the budget, and is over soon after.
func TestWatcherOverALedger(t *testing.T) {
	s := month(0.999)
	s.Tiers, _ = Preset(DefaultPreset, s.Window)
	begin := noon
	l := history(t, s, begin, 10*day, constant(10_000, 1, t0))
	w := NewWatcher(Patience{})
	var lines []string
	for m := range 240 {
		at := begin.Add(time.Duration(m) * time.Minute)
		per := constant(10_000, 1, t0)
		if m >= 10 && m < 20 {
			per = constant(10_000, 5000, t0)
		}
		fill(t, l, "s", at, time.Minute, per)
		for _, move := range w.Observe(at, s, l.Evaluate(s, at)) {
			if move.Alarm.Action == pitwall.ActionPage && move.By == "" && (move.Move == Fired || move.Move == Released) {
				lines = append(lines, fmt.Sprintf("%d %s %s", m, move.Move, move.Alarm.State.Tier.Name))
			}
			if move.Alarm.Text == "" {
				t.Errorf("an alarm without a word: %+v", move)
			}
		}
	}
	if diff := cmp.Diff([]string{"10 fired fast"}, lines); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	for _, a := range func() []pitwall.Alarm { list, _ := w.Firing(); return list }() {
		if a.Action == pitwall.ActionPage {
			t.Errorf("still fires: %+v", a)
		}
	}
}

func BenchmarkObserveQuiet(b *testing.B) {
	s, w := watched(), NewWatcher(Patience{})
	budget := seenBudget(s, t0, "")
	for b.Loop() {
		w.Observe(t0, s, budget)
	}
}

// TestFreshScaledLedgerIsQuiet lives through a demonstration: a ledger that begins
// empty, sixty times faster than life, with a fault after eight minutes. Only the
// fault makes a noise, a burn tier is the first to open a plan, and when it is
// over nothing opens another.
func TestFreshScaledLedgerIsQuiet(t *testing.T) {
	s := month(0.99)
	s.Tiers, _ = Preset(DefaultPreset, s.Window)
	s = Scale(s, 60)
	l, w := NewLedger([]pitwall.SLO{s}, time.Second), NewWatcher(Patience{})
	const begin, end, last = 480, 780, 2400
	opened, worst := "", 0
	for sec := 1; sec <= last; sec++ {
		at := t0.Add(time.Duration(sec) * time.Second)
		c := pitwall.Counts{Good: 30}
		switch {
		case sec%7 == 0:
			c = pitwall.Counts{} // a quiet second
		case sec > begin && sec <= end:
			c = pitwall.Counts{Good: 15, Bad: 15}
		case sec%200 == 0:
			c.Bad = 1 // a stray failure
		}
		if err := l.Load([]pitwall.LedgerStep{{SLO: "s", Start: at.Unix() - 1, Counts: c}}); err != nil {
			t.Fatal(err)
		}
		for _, m := range w.Observe(at, s, l.Evaluate(s, at)) {
			if m.Move == Fired && sec <= begin {
				t.Errorf("%d s into a fresh ledger: %s", sec, m.Alarm.Text)
			}
		}
		burn, ok := l.Burning(s, at)
		switch {
		case ok && opened == "":
			opened, worst = burn.State.Tier.Name, sec
		case ok && sec > end+8*60:
			t.Fatalf("%d s after the fault %s would open a plan: %s", sec-end, burn.State.Tier.Name, burn.State.Expr)
		}
	}
	if opened != "fast" || worst > begin+20 {
		t.Errorf("%q opened a plan %d s after the fault", opened, worst-begin)
	}
}
