package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// turning is a world in which more goes wrong later: one that was slow first
// begins to fail.
type turning struct {
	world
	after time.Duration // from the onset
	then  shop
}

// question leaves open when what goes wrong began to fail; the onset of the
// slowness is known.
func (w turning) question() Question {
	q := w.world.question()
	q.Regression.SLO, q.SLO = "", pitwall.SLO{}
	return q
}

func (w turning) answer(q Query) Answer {
	a := w.world.answer(q)
	turn := w.onset().Add(w.after)
	if q.Kind != AskSpans || !q.Period.Contains(turn) {
		return a
	}
	first, second := q.Period, q.Period
	first.To, second.From = turn, turn
	a.Spans = w.spans(first)
	later := w.world
	later.bad = w.then
	rest := later.spans(second)
	for i := range rest.Len() {
		a.Spans.AppendFrom(rest, i)
	}
	return a
}

// told runs the conversation and counts how often each thing was asked for.
func (w turning) told() (d pitwall.Diagnosis, asked map[string]int) {
	asked = map[string]int{}
	s := New(w.question())
	for !s.Done() {
		var answers []Answer
		for _, q := range s.Needs() {
			asked[q.ID]++
			answers = append(answers, w.answer(q))
		}
		s.Step(answers)
	}
	return s.Diagnosis(), asked
}

// TestSecondLook: where no change explains the durations asked about and many
// requests fail, the change that explains the failures is named; where one does,
// or nothing explains the failures either, the first answer stands.
func TestSecondLook(t *testing.T) {
	slow := func(s *shop) {
		s.checkoutSelf, s.versions["checkout"] = 400, "v13"
		s.cpu["checkout"]["github.com/acme/shop/checkout.price"] = 350
	}
	thrown := deploy("d-nil", 70*time.Second, "orders", "v21", "v23", "orders.go: require loyalty id, nil check removed")
	computed := deploy("d-cpu", time.Minute, "checkout", "v12", "v13", "pricing/promo.go: match promotions by regexp")
	for name, c := range map[string]struct {
		changes []pitwall.Change
		fails   float64
		want    answer
		second  bool
	}{
		"only failures have a change": {[]pitwall.Change{thrown}, 0.5, answer{"orders", pitwall.BottleneckException, "d-nil"}, true},
		"durations have one":          {[]pitwall.Change{computed, thrown}, 0.5, answer{"checkout", pitwall.BottleneckCPU, "d-cpu"}, false},
		"neither has one":             {nil, 0.5, answer{"checkout", pitwall.BottleneckCPU, ""}, false},
		"few fail":                    {[]pitwall.Change{thrown}, 0.05, answer{"checkout", pitwall.BottleneckCPU, ""}, false},
	} {
		w := turning{world: broken(slow), after: 12 * time.Second}
		w.good.rate, w.bad.rate, w.window, w.seed, w.changes, w.loads = 15, 15, 36*time.Second, 3, c.changes, false
		w.then = w.bad.with(func(s *shop) { s.ordersFail, s.versions["orders"] = c.fails, "v23" })
		d, asked := w.told()
		if got := top(d); got != c.want {
			t.Errorf("%s: %v, want %v\n%s", name, got, c.want, board(d))
		}
		if said := strings.HasPrefix(d.Summary, "Failures say more than durations here. "); said != c.second {
			t.Errorf("%s: %s", name, d.Summary)
		}
		for id, n := range asked {
			if n > 1 {
				t.Errorf("%s: %s was asked for %d times", name, id, n)
			}
		}
	}
}
