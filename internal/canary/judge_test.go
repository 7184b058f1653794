package canary_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/canary"
)

func TestJudgeAdvancesAFixThatHelps(t *testing.T) {
	for _, weight := range []int{10, 50} {
		for seed := range uint64(10) {
			s := shop{seed: seed, perSecond: 66, share: float64(weight) / 100, control: slow, treatment: fast, catalogue: 10}
			look := canary.Judge(input(s.spans(25*time.Second), weight, 25*time.Second))
			if look.Action != pitwall.CanaryAdvance {
				t.Fatalf("weight %d, seed %d: %s: %s", weight, seed, look.Action, look.Reason)
			}
			head := look.Rows[0]
			if head.Verdict != pitwall.Better || head.EValue < 100 || head.P > 0.01 || head.NeedMore != 0 {
				t.Errorf("headline row: %+v", head)
			}
			if !(head.ChangeLow < head.Change && head.Change < head.ChangeHigh && head.ChangeHigh < 0) {
				t.Errorf("change %v [%v, %v]", head.Change, head.ChangeLow, head.ChangeHigh)
			}
			if look.Rows[1].Verdict != pitwall.Undecided || !look.Rows[1].Pass {
				t.Errorf("errors row: %+v", look.Rows[1])
			}
			if look.Rows[2].Verdict != pitwall.NoData || !look.Rows[2].Pass || look.Rows[2].Why == "" {
				t.Errorf("a neighbour without arms must not block, and say so: %+v", look.Rows[2])
			}
			if _, err := json.Marshal(look); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestJudgeRollsBackHarm(t *testing.T) {
	for seed := range uint64(10) {
		s := shop{seed: seed, perSecond: 66, share: 0.5, control: fast, treatment: slow}
		look := canary.Judge(input(s.spans(20*time.Second), 50, 20*time.Second))
		if look.Action != pitwall.CanaryRollBack || look.Rows[0].Verdict != pitwall.Worse {
			t.Fatalf("seed %d: %s: %s", seed, look.Action, look.Reason)
		}
		failing := shop{seed: seed, perSecond: 66, share: 0.5, control: slow, treatment: side{median: fast.median, fails: 0.2}}
		look = canary.Judge(input(failing.spans(30*time.Second), 50, 30*time.Second))
		if look.Action != pitwall.CanaryRollBack || look.Rows[1].Verdict != pitwall.Worse {
			t.Fatalf("seed %d: a fast fix that fails: %s: %s", seed, look.Action, look.Reason)
		}
	}
}

// A request that failed at once is not quick: a version that answers where the
// other fails is not slow, and one that fails where the other answers is not better.
func TestFailingAtOnceIsNotQuick(t *testing.T) {
	atOnce := func(fails float64) side { return side{median: 20 * time.Millisecond, fails: fails} }
	for seed := range uint64(10) {
		for _, fails := range []float64{0.3, 1} {
			s := shop{seed: seed, perSecond: 66, share: 0.5, control: atOnce(fails), treatment: side{median: 30 * time.Millisecond}}
			if fails == 1 {
				s.treatment = slow
			}
			in := input(s.spans(30*time.Second), 50, 30*time.Second)
			in.Guardrails = notWorse(guardrails[:2])
			if look := canary.Judge(in); fails == 1 && look.Action != pitwall.CanaryAdvance || look.Rows[1].Verdict != pitwall.Better {
				t.Errorf("seed %d, a fix of failures: %s: %s", seed, look.Action, look.Reason)
			}
			s.control, s.treatment = slow, atOnce(fails)
			if look := canary.Judge(input(s.spans(30*time.Second), 50, 30*time.Second)); look.Action != pitwall.CanaryRollBack {
				t.Errorf("seed %d, %.0f %% fail at once: %s: %s", seed, 100*fails, look.Action, look.Reason)
			}
		}
	}
}

// A tail that got slow is seen beside failures of both sides that come and go as
// they always did.
func TestSlowTailBesideFailures(t *testing.T) {
	worse, calm := 0, 0
	for seed := range uint64(10) {
		s := shop{seed: seed, perSecond: 200, share: 0.5, control: side{median: fast.median, fails: 0.03}, treatment: side{median: fast.median, fails: 0.03, tail: 0.04}}
		in := input(s.spans(40*time.Second), 50, 40*time.Second)
		in.Guardrails = notWorse(guardrails[:2])
		if look := canary.Judge(in); look.Rows[0].Verdict == pitwall.Worse {
			worse++
		}
		s.treatment.tail = 0
		in.Spans = s.spans(40 * time.Second)
		if look := canary.Judge(in); look.Action != pitwall.CanaryRollBack {
			calm++
		}
	}
	if worse < 9 || calm < 10 {
		t.Errorf("a tail ten times as slow is seen in %d of 10, no difference is none in %d of 10", worse, calm)
	}
}

// A release without any effect, looked at every five seconds: it is neither
// rolled back for harm nor promoted for help.
func TestJudgeAA(t *testing.T) {
	promoted, rolledBack, waited := 0, 0, 0
	const runs = 40
	for seed := range uint64(runs) {
		s := shop{seed: 1000 + seed, perSecond: 66, share: 0.1, control: side{median: slow.median, fails: 0.01}, treatment: side{median: slow.median, fails: 0.01}}
		spans := s.spans(90 * time.Second)
		for at := 5 * time.Second; at <= 90*time.Second; at += 5 * time.Second {
			look := canary.Judge(input(spans, 10, at))
			if look.Action == pitwall.CanaryAdvance {
				promoted++
				break
			}
			if look.Action != pitwall.CanaryWait {
				rolledBack++
				break
			}
			if look.Rows[0].NeedMore <= 0 {
				t.Fatalf("an undecided row must say how much more it needs: %+v", look.Rows[0])
			}
			waited++
		}
	}
	if promoted > 1 || rolledBack > 1 {
		t.Errorf("of %d releases without effect %d were promoted and %d rolled back", runs, promoted, rolledBack)
	}
	if waited == 0 {
		t.Error("no look waited")
	}
}

func TestJudgeNotWorsePassesWithMinimum(t *testing.T) {
	s := shop{seed: 5, perSecond: 66, share: 0.5, control: fast, treatment: fast, catalogue: 10}
	in := input(s.spans(20*time.Second), 50, 20*time.Second)
	in.Guardrails = notWorse(guardrails)
	look := canary.Judge(in)
	if look.Action != pitwall.CanaryAdvance {
		t.Fatalf("%s: %s", look.Action, look.Reason)
	}
	if w := look.Rows[0].Why; look.Rows[0].Verdict == pitwall.Undecided && !strings.Contains(w, "not proven the same") {
		t.Errorf("a pass without proof must say so: %q", w)
	}
	in = input(s.spans(20*time.Second), 50, time.Second)
	in.Guardrails = notWorse(guardrails)
	if look := canary.Judge(in); look.Action != pitwall.CanaryWait || look.Rows[0].NeedMore == 0 {
		t.Errorf("after one second: %s: %s", look.Action, look.Reason)
	}
}

// Nothing that lacks data is ever promoted.
func TestJudgeNoDataNeverPromotes(t *testing.T) {
	none := shop{perSecond: 66, share: 0, control: slow, treatment: fast, catalogue: 10}
	all := shop{perSecond: 66, share: 1, control: slow, treatment: fast, catalogue: 10}
	unknown := none.spans(30 * time.Second)
	for i := range unknown.Version {
		unknown.Version[i] = unknown.Intern("v99")
	}
	worlds := map[string]*pitwall.SpanBatch{
		"nil": nil, "empty": {}, "control only": none.spans(30 * time.Second),
		"treatment only": all.spans(30 * time.Second), "unknown versions": unknown,
	}
	for name, spans := range worlds {
		for _, rails := range [][]pitwall.Guardrail{guardrails, notWorse(guardrails), guardrails[2:], nil} {
			for _, late := range []bool{false, true} {
				in := input(spans, 10, 30*time.Second)
				in.Guardrails = rails
				if late {
					in.Now = in.Deadline
				}
				look := canary.Judge(in)
				if look.Action == pitwall.CanaryAdvance || look.Reason == "" {
					t.Errorf("%s, %d guardrails, late %v: %s: %s", name, len(rails), late, look.Action, look.Reason)
				}
				if late && look.Action != pitwall.CanaryGiveUp {
					t.Errorf("%s, late: %s", name, look.Action)
				}
			}
		}
	}
}

func TestJudgeGivesUpAtTheDeadline(t *testing.T) {
	s := shop{seed: 3, perSecond: 66, share: 0.1, control: slow, treatment: slow}
	in := input(s.spans(30*time.Second), 10, 30*time.Second)
	in.Now = in.Deadline
	if look := canary.Judge(in); look.Action != pitwall.CanaryGiveUp {
		t.Errorf("%s: %s", look.Action, look.Reason)
	}
}

func TestJudgeDistrustsAWrongSplit(t *testing.T) {
	s := shop{seed: 4, perSecond: 66, share: 0.4, control: slow, treatment: fast}
	look := canary.Judge(input(s.spans(30*time.Second), 10, 30*time.Second))
	if look.Action != pitwall.CanaryGiveUp || look.Balance > 1e-6 || !strings.Contains(look.Reason, "split") {
		t.Errorf("%s: %s (p %v)", look.Action, look.Reason, look.Balance)
	}
	for seed := range uint64(50) { // the slower arm alone must not look like a wrong split
		s := shop{seed: seed, perSecond: 66, share: 0.1, control: side{median: 2 * time.Second}, treatment: fast}
		for _, at := range []time.Duration{5 * time.Second, 30 * time.Second} {
			if look := canary.Judge(input(s.spans(at), 10, at)); look.Balance < 1e-6 {
				t.Errorf("seed %d after %s: p %v", seed, at, look.Balance)
			}
		}
	}
}

func TestJudgeAtFullWeight(t *testing.T) {
	s := shop{perSecond: 66, share: 1, control: slow, treatment: fast}
	look := canary.Judge(input(s.spans(10*time.Second), 100, 10*time.Second))
	if look.Action != pitwall.CanaryAdvance || !strings.Contains(look.Reason, "no control") {
		t.Errorf("%s: %s", look.Action, look.Reason)
	}
}

// Requests that met both versions belong to no arm, and those that began before
// the step do not count.
func TestJudgeArms(t *testing.T) {
	s := shop{seed: 6, perSecond: 20, share: 0.5, control: slow, treatment: fast}
	spans := s.spans(20 * time.Second)
	base := canary.Judge(input(spans, 50, 20*time.Second))

	early := addTrace(spans, 1<<60, call{begin.Add(-10 * time.Second), 12 * time.Second, false, "v41"})
	if diff := cmp.Diff(base, canary.Judge(input(spans, 50, 20*time.Second))); diff != "" {
		t.Errorf("a request from before the step counts:\n%s", diff)
	}
	both := addTrace(spans, early, call{begin.Add(time.Second), time.Second, false, "v41"})
	spans.Add(pitwall.SpanRow{TraceID: trace(early + 1), SpanID: both + 1, Start: begin.Add(time.Second), Duration: time.Millisecond,
		Service: "inventory", Version: "v40", Operation: "POST /v1/items/lookup", Kind: pitwall.SpanServer})
	look := canary.Judge(input(spans, 50, 20*time.Second))
	if look.Rows[0].Control.N != base.Rows[0].Control.N || look.Rows[0].Treatment.N != base.Rows[0].Treatment.N {
		t.Error("a trace with both versions counts for an arm")
	}
	if !strings.Contains(look.Rows[0].Why, "1 with both") {
		t.Errorf("it is not counted aloud: %q", look.Rows[0].Why)
	}
}

// A neighbour whose traffic cannot reach the minimum does not hold a fix up.
func TestJudgeSlowNeighbour(t *testing.T) {
	s := shop{seed: 8, perSecond: 66, share: 0.5, control: slow, treatment: fast}
	spans, id := s.spans(60*time.Second), uint64(1<<50)
	for i := range 6 {
		version := pitwall.Version("v40")
		if i%2 == 0 {
			version = "v41"
		}
		at := begin.Add(time.Duration(i) * 10 * time.Second)
		id++
		spans.Add(pitwall.SpanRow{TraceID: trace(id), SpanID: id, Start: at, Duration: 20 * time.Millisecond, Service: "edge", Operation: "GET /stock", Kind: pitwall.SpanServer})
		spans.Add(pitwall.SpanRow{TraceID: trace(id), SpanID: id + 1<<40, ParentID: id, Start: at, Duration: 10 * time.Millisecond, Service: "inventory", Version: version, Operation: "GET /stock", Kind: pitwall.SpanServer})
	}
	in := input(spans, 50, 60*time.Second)
	in.Deadline = begin.Add(70 * time.Second)
	in.Guardrails = append([]pitwall.Guardrail{{Name: "neighbour GET /stock", Service: "edge", Operation: "GET /stock", Metric: "latency", Margin: 0.1, Goal: "not-worse"}}, guardrails...)
	look := canary.Judge(in)
	if look.Action != pitwall.CanaryAdvance || look.Rows[0].Treatment.N != 3 || !strings.Contains(look.Rows[0].Why, "too small") {
		t.Errorf("%s: %s; %q", look.Action, look.Reason, look.Rows[0].Why)
	}
}
