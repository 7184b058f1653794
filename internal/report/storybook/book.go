package storybook

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// Plans gives one plan in every state a plan can be in, the closed one first.
func Plans() []Case {
	var seq uint64
	n := 0
	start := func() *writer {
		n++
		return open(pitwall.PlanID(fmt.Sprintf("PIP-%d", n)), &seq)
	}
	cases := smooth(start)
	return append(cases, sides(start)...)
}

// burning is what a live engine knows while nothing helps yet.
func burning(now time.Time, spent float64) pitwall.Live {
	b := Budget(SLOs()[0], now, spent, 74.8)
	return pitwall.Live{At: now, Budget: &b, Charts: []pitwall.Chart{latencyChart(now.Sub(Zero()), 0), payloadChart(now.Sub(Zero()), 0)}}
}

// calm is what it knows once the fix works.
func calm(now time.Time, fixed time.Duration) pitwall.Live {
	b := Budget(SLOs()[0], now, 0.41, 0.7)
	return pitwall.Live{At: now, Budget: &b, Charts: []pitwall.Chart{latencyChart(now.Sub(Zero()), fixed), payloadChart(now.Sub(Zero()), fixed)}}
}

// toCanary is a plan whose fix may begin.
func toCanary(w *writer) *writer {
	return w.baselined().diagnosed(diagnosis()).proposed().decided(pitwall.DecisionAllow).canarying()
}

// toPromoted is a plan with all traffic on the fix.
func toPromoted(w *writer) *writer {
	return toCanary(w).step("canary-10", 10).judged(21*time.Second, 10, pitwall.CanaryAdvance).
		step("canary-50", 50).judged(14*time.Second, 50, pitwall.CanaryAdvance).step("all", 100).promoted()
}

func smooth(start func() *writer) []Case {
	var list []Case
	w := toPromoted(start()).verifying()
	w.say(40*time.Second, pitwall.EventNote, "", "alice", pitwall.ReasonData{Reason: "told the product page team that v41 is out"})
	w.verified().closed()
	fixed := w.p.PromotedAt.Sub(Zero())
	list = append(list, w.done("closed", calm(w.now.Add(40*time.Second), fixed)))

	w = toCanary(start()).step("canary-10", 10).judged(21*time.Second, 10, pitwall.CanaryAdvance).step("canary-50", 50)
	now := w.now.Add(9 * time.Second)
	live := burning(now, 0.38)
	l, nextLook := look("canary-50", 50, now, pitwall.CanaryWait), now.Add(2*time.Second)
	live.Look, live.NextLook, live.Waiting = &l, &nextLook, l.Reason
	list = append(list, w.done("canarying", live))

	w = start().baselined().diagnosed(diagnosis()).proposed().decided(pitwall.DecisionAsk)
	live = burning(w.now.Add(30*time.Second), 0.37)
	live.Waiting = "waiting for a person to approve: Roll inventory back from v41 to v40"
	list = append(list, w.done("asking", live))

	list = append(list, start().done("opened", burning(at(openedAt), 0.35)))
	w = start().baselined()
	list = append(list, w.done("baselined", burning(w.now, 0.35)))
	w = start().baselined().diagnosed(diagnosis())
	list = append(list, w.done("diagnosed", burning(w.now, 0.36)))
	w = start().baselined().diagnosed(diagnosis()).proposed().decided(pitwall.DecisionAllow)
	list = append(list, w.done("approved", burning(w.now, 0.36)))

	w = toPromoted(start())
	live = calm(w.now.Add(6*time.Second), w.p.PromotedAt.Sub(Zero()))
	live.Waiting = "watching checkout after promotion for 15s"
	list = append(list, w.done("watching", live))

	w = toPromoted(start()).verifying()
	live = calm(w.now.Add(50*time.Second), w.p.PromotedAt.Sub(Zero()))
	v := pitwall.Verification{At: live.At, Verdict: pitwall.Undecided, Need: 3690, Reason: "2310 of 6000 requests under the same load", P99After: seconds(0.324, 0.305, 0.349, 2310)}
	live.Verification, live.Waiting = &v, v.Reason
	list = append(list, w.done("verifying", live))

	w = toPromoted(start()).verifying().verified()
	return append(list, w.done("enforcing", calm(w.now, w.p.PromotedAt.Sub(Zero()))))
}

func sides(start func() *writer) []Case {
	var list []Case
	w := toCanary(start()).step("canary-10", 10)
	w.p.Reason = "the payment provider is being moved tonight"
	w.say(6*time.Second, pitwall.EventHeld, pitwall.Held, "alice", pitwall.ReasonData{Reason: w.p.Reason})
	list = append(list, w.done("held", burning(w.now, 0.37)))

	w = toCanary(start()).step("canary-10", 10).judged(21*time.Second, 10, pitwall.CanaryRollBack).step("undo", 0)
	w.p.Tried = []int{1}
	w.side(500*time.Millisecond, pitwall.EventRolledBack, pitwall.RolledBack, "error ratio is worse: 0.31 % → 4.2 %")
	list = append(list, w.done("rolled-back", burning(w.now, 0.4)))

	w = toCanary(start()).step("canary-10", 10).judged(10*time.Minute, 10, pitwall.CanaryGiveUp).step("undo", 0)
	w.side(500*time.Millisecond, pitwall.EventInconclusive, pitwall.InconclusiveState, "40 requests in 10 minutes are too few for a verdict")
	list = append(list, w.done("inconclusive", pitwall.Live{}))

	none := diagnosis()
	none.Verdict, none.Summary, none.Hypotheses = pitwall.DiagnosisNone, "nothing differs from the baseline beyond noise, but the objective still burns", nil
	none.Waterfall, none.Flame = nil, nil
	for i := range none.Checks {
		if none.Checks[i].Outcome == pitwall.OutcomeHit {
			none.Checks[i].Outcome, none.Checks[i].Reason, none.Checks[i].Evidence = pitwall.OutcomeClear, "no difference beyond noise", nil
		}
	}
	w = start().baselined().diagnosed(none).side(time.Second, pitwall.EventEscalated, pitwall.Escalated, "nothing to try: the diagnosis names no cause")
	list = append(list, w.done("escalated", burning(w.now, 0.6)))

	w = start().baselined().side(48*time.Hour, pitwall.EventExpired, pitwall.Expired, "48 hours passed without a proof")
	list = append(list, w.done("expired", pitwall.Live{}))
	w = start().side(12*time.Second, pitwall.EventNotWarranted, pitwall.NotWarranted, "checkout-latency recovered by itself before anything was done")
	list = append(list, w.done("not-warranted", pitwall.Live{}))
	w = start().baselined().diagnosed(none)
	w.p.Reason = "a load test that nobody announced"
	w.p.Closed = &pitwall.ClosedData{Reason: w.p.Reason}
	w.say(3*time.Hour, pitwall.EventWithoutCause, pitwall.ClosedWithoutCause, "bob", *w.p.Closed)
	list = append(list, w.done("closed-without-cause", pitwall.Live{}))

	w = toPromoted(start()).verifying()
	v := verification(w.now.Add(90 * time.Second))
	v.Pass, v.Verdict, v.Reason = false, pitwall.Worse, "neighbour GET /catalog is worse: p99 41 ms → 96 ms"
	row := &v.Rows[3]
	row.Treatment, row.Change, row.ChangeLow, row.ChangeHigh, row.P, row.Verdict, row.Pass = seconds(0.096, 0.09, 0.104, 3054), 1.34, 1.19, 1.54, 0.0002, pitwall.Worse, false
	w.p.Verification = &v
	w.bot(90*time.Second, pitwall.EventVerified, "", pitwall.VerifiedData{Verification: v})
	return append(list, w.done("proof-failed", calm(w.now, w.p.PromotedAt.Sub(Zero()))))
}
