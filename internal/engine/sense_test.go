package engine

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// fakeTotals are the totals of a checkout whose requests take longer in some
// stretches, by far not long enough to burn an objective.
type fakeTotals struct {
	slow  []pitwall.Period
	until func() time.Time // there are none of later
	asked int
}

func (f *fakeTotals) Operations(_ context.Context, q pitwall.OperationQuery) ([]pitwall.OperationTotals, error) {
	f.asked++
	if q.Period.Duration() > time.Minute || q.Period.To.After(f.until()) || q.Period.From.Before(begin.Add(-8*time.Hour)) {
		return nil, nil
	}
	rng := rand.New(rand.NewPCG(uint64(q.Period.From.Unix()), 3))
	o := pitwall.OperationTotals{Service: "checkout", Operation: "POST /checkout", Kind: pitwall.SpanServer, Count: 150}
	factor := 1.0
	for _, s := range f.slow {
		if !q.Period.From.Before(s.From) && q.Period.From.Before(s.To) {
			factor = 1.5
		}
	}
	for range o.Count {
		o.Latency.Add(pitwall.Bucket(time.Duration(60e6*factor*math.Exp(0.4*rng.NormFloat64()))), 1)
	}
	return []pitwall.OperationTotals{o}, nil
}

// sensingWorld is a shop in which nothing burns, looked at every minute.
func sensingWorld(t *testing.T) (*world, *fakeTotals) {
	w := newWorld(t)
	w.deploys, w.shop.perSecond, w.set.Tick = nil, 0.5, time.Minute
	f := &fakeTotals{until: func() time.Time { return w.now }}
	w.totals = f
	w.start()
	return w, f
}

// found lets time pass until there is a finding.
func (w *world) found() pitwall.Finding {
	w.t.Helper()
	for range 60 {
		if list := w.life.engine.Sensed(context.Background()).Findings; len(list) > 0 {
			return list[0]
		}
		w.tick()
	}
	w.t.Fatal("nothing was found in an hour")
	return pitwall.Finding{}
}

// TestAFindingOpensNoPlanByItself: deny is the default, and it is said.
func TestAFindingOpensNoPlanByItself(t *testing.T) {
	t.Parallel()
	w, f := sensingWorld(t)
	change := begin.Add(10 * time.Minute)
	f.slow = []pitwall.Period{{From: change, To: change.Add(24 * time.Hour)}}
	w.pass(10 * time.Minute)
	if s := w.life.engine.Sensed(t.Context()); len(s.Findings) > 0 || s.Problem != "" || s.Learning > 1 {
		t.Fatalf("before anything changed: %+v", s)
	}
	got := w.found()
	if got.Series.Service != "checkout" || got.Direction != "worse" || change.Before(got.Onset.Earliest) || change.After(got.Onset.Latest) {
		t.Errorf("%+v", got)
	}
	if got.Plan != "" || !strings.Contains(got.NoPlan, "detection.open_plans does not name it") || w.plan().ID != "" {
		t.Errorf("plan %q (%s), said %q", w.plan().ID, got.Plan, got.NoPlan)
	}
	if _, charts, err := w.life.engine.Finding(t.Context(), got.ID); err != nil || len(charts) == 0 {
		t.Errorf("charts: %d, %v", len(charts), err)
	}
	// The same finding, and no other, in the next process.
	w.start()
	w.pass(5 * time.Minute)
	if s := w.life.engine.Sensed(t.Context()); len(s.Findings) != 1 || s.Findings[0].ID != got.ID {
		t.Errorf("after a restart: %+v", s.Findings)
	}
}

// TestAFindingOpensAPlanWhereItMay: under the objective that covers it; when the
// level is back by itself the plan ends.
func TestAFindingOpensAPlanWhereItMay(t *testing.T) {
	t.Parallel()
	w, f := sensingWorld(t)
	w.opens = true
	change := begin.Add(10 * time.Minute)
	f.slow = []pitwall.Period{{From: change, To: change.Add(40 * time.Minute)}}
	got := w.found()
	w.tick()
	p := w.plan()
	if p.ID == "" || p.Opened.Trigger != "finding" || p.Opened.Finding != got.ID || p.SLO != "checkout-latency" || p.Service != "checkout" {
		t.Fatalf("%+v", p.Opened)
	}
	if r := p.Opened.Regression; r.Signal != pitwall.SignalLatency || r.Onset.At.Sub(change).Abs() > 2*time.Minute {
		t.Errorf("%+v", r)
	}
	if list := w.life.engine.Sensed(t.Context()).Findings; list[0].Plan != p.ID {
		t.Errorf("the finding names plan %q", list[0].Plan)
	}
	w.pass(45 * time.Minute)
	w.when("it was not warranted", func(p pitwall.Plan) bool { return p.State == pitwall.NotWarranted })
	if n := len(w.life.engine.all()); n != 1 {
		t.Errorf("%d plans", n)
	}
}

// TestAcceptingAFinding: it needs who and why, is recorded, and outlives the
// process even if only the record was written.
func TestAcceptingAFinding(t *testing.T) {
	t.Parallel()
	w, f := sensingWorld(t)
	f.slow = []pitwall.Period{{From: begin.Add(5 * time.Minute), To: begin.Add(24 * time.Hour)}}
	got := w.found()
	e := w.life.engine
	if _, err := e.Accept(t.Context(), pitwall.Accepted{Finding: got.ID, By: "kim"}, false); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("without a reason: %v", err)
	}
	if _, err := e.Accept(t.Context(), pitwall.Accepted{Finding: "F-0", By: "kim", Reason: "x"}, false); pitwall.KindOf(err) != pitwall.NotFound {
		t.Errorf("of nothing: %v", err)
	}
	a := pitwall.Accepted{Finding: got.ID, By: "kim", Reason: "the new engine is slower and safer"}
	if _, err := e.Accept(t.Context(), a, true); err != nil || e.Sensed(t.Context()).Findings[0].Accepted != nil {
		t.Errorf("a dry run did it: %v", err)
	}
	if _, err := e.Accept(t.Context(), a, false); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.pass(3 * time.Minute)
	s := w.life.engine.Sensed(t.Context())
	if len(s.Findings) != 1 || s.Findings[0].Accepted == nil || s.Findings[0].Accepted.By != "kim" {
		t.Errorf("%+v", s.Findings)
	}
	events, err := w.life.engine.Events(t.Context(), 0, 1000)
	if err != nil || !slices.ContainsFunc(events, func(ev pitwall.Event) bool { return ev.Type == pitwall.EventAccepted && ev.Actor == "kim" }) {
		t.Errorf("it is not in the record: %v", err)
	}
}

// TestAFindingIsFixed is the whole loop for a change that burns nothing: inventory
// replies ten times as much, checkout is slower and far inside its objective. The
// finding opens a plan, the diagnosis names the deploy, the fix is tried on a
// part of the traffic, proven and locked in.
func TestAFindingIsFixed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.slos[0].SLI.Threshold = 5 * time.Second
	change := begin.Add(8 * time.Minute)
	for i := range w.deploys {
		w.deploys[i].at += change.Sub(begin) - broken
	}
	f := &fakeTotals{until: func() time.Time { return w.now }, slow: []pitwall.Period{{From: change, To: change.Add(24 * time.Hour)}}}
	w.totals, w.opens = f, true
	w.start()
	w.pass(9 * time.Minute)
	p := w.when("a fix is proposed", func(p pitwall.Plan) bool { return p.Fix != nil })
	f.slow[0].To = w.now.Add(30 * time.Second).Truncate(time.Minute)
	p = w.until(pitwall.Closed)
	if p.Opened.Trigger != "finding" || p.Closed == nil || p.Closed.RootCause == nil || p.Closed.RootCause.Service != "inventory" {
		t.Errorf("%+v\n%s", p.Closed, strings.Join(story(p), "\n"))
	}
	w.sound()
}
