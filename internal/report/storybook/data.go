package storybook

import (
	"math"
	"time"

	"github.com/pitwall/pitwall"
)

// Zero is when the story's load began; every instant is counted from here.
func Zero() time.Time { return time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC) }

// at gives an instant of the story.
func at(d time.Duration) time.Time { return Zero().Add(d) }

// The moments all stories share.
const (
	changeAt = 5*time.Minute + 12*time.Second
	onsetAt  = 5*time.Minute + 14*time.Second
	openedAt = 5*time.Minute + 41*time.Second
)

// SLOs are the two objectives of the shop.
func SLOs() []pitwall.SLO {
	tier := func(name string, f float64, long, short time.Duration, a pitwall.Action, opens bool) pitwall.BurnTier {
		return pitwall.BurnTier{Name: name, Factor: f, Long: long, Short: short, Action: a, OpensPlan: opens, MinBad: 10}
	}
	tiers := []pitwall.BurnTier{
		tier("fast", 28.8, 15*time.Minute, 2*time.Minute, pitwall.ActionPage, true),
		tier("page", 14.4, time.Hour, 5*time.Minute, pitwall.ActionPage, true),
		tier("escalate", 2, 24*time.Hour, 2*time.Hour, pitwall.ActionEscalate, true),
	}
	return []pitwall.SLO{{
		Name: "checkout-latency", DisplayName: "Checkout answers quickly", Service: "checkout",
		SLI:    pitwall.SLI{Kind: pitwall.SLILatency, Service: "checkout", Operation: "POST /checkout", Threshold: 500 * time.Millisecond},
		Target: 0.99, Window: 30 * 24 * time.Hour, Tiers: tiers, Source: "slo/checkout.yaml:1", YAML: sloYAML,
	}, {
		Name: "checkout-availability", DisplayName: "Checkout works", Service: "checkout",
		SLI:    pitwall.SLI{Kind: pitwall.SLIAvailability, Service: "checkout", Operation: "POST /checkout"},
		Target: 0.999, Window: 30 * 24 * time.Hour, Tiers: tiers, Source: "slo/checkout.yaml:31",
	}, {
		Name: "catalog-availability", DisplayName: "Catalogue works", Service: "edge",
		SLI:    pitwall.SLI{Kind: pitwall.SLIAvailability, Service: "edge", Operation: "GET /catalog"},
		Target: 0.995, Window: 30 * 24 * time.Hour, Tiers: tiers, Source: "slo/catalog.yaml:1",
	}}
}

const sloYAML = `apiVersion: openslo/v1
kind: SLO
metadata:
  name: checkout-latency
  displayName: Checkout answers quickly
spec:
  service: checkout
  budgetingMethod: Occurrences
  timeWindow: [{duration: 30d, isRolling: true}]
  objectives: [{target: 0.99}]
`

func seconds(v, low, high float64, n int64) pitwall.Measure {
	return pitwall.Measure{Value: v, Unit: pitwall.UnitSeconds, Low: low, High: high, N: n}
}

func bytesOf(v, low, high float64, n int64) pitwall.Measure {
	return pitwall.Measure{Value: v, Unit: pitwall.UnitBytes, Low: low, High: high, N: n}
}

func ratio(v, low, high float64, n int64) pitwall.Measure {
	return pitwall.Measure{Value: v, Unit: pitwall.UnitRatio, Low: low, High: high, N: n}
}

func regression() pitwall.Regression {
	return pitwall.Regression{
		Service: "checkout", Operation: "POST /checkout", SLO: "checkout-latency", Signal: pitwall.SignalLatency,
		Onset:  pitwall.Onset{At: at(onsetAt), Earliest: at(onsetAt - 2*time.Second), Latest: at(onsetAt + 2*time.Second)},
		Before: seconds(0.318, 0.309, 0.328, 8412), After: seconds(1.42, 1.31, 1.55, 903),
	}
}

func tierState() pitwall.TierState {
	return pitwall.TierState{Tier: SLOs()[0].Tiers[0], LongRate: 31.6, ShortRate: 74.8,
		Long: pitwall.Counts{Good: 6166, Bad: 2849}, Short: pitwall.Counts{Good: 228, Bad: 675}, Known: true, Firing: true,
		Expr: "31.6× > 28.8× over 15 m and 74.8× > 28.8× over 2 m, and 675 bad ≥ 10"}
}

// Budget is the state of an objective's budget at an instant of the story.
func Budget(slo pitwall.SLO, now time.Time, spent float64, burn float64) pitwall.ErrorBudget {
	total := uint64(1_204_400)
	bad := uint64(spent * (1 - float64(slo.Target)) * float64(total))
	b := pitwall.ErrorBudget{SLO: slo.Name, At: now, Target: slo.Target, Counts: pitwall.Counts{Good: total - bad, Bad: bad},
		Spent: pitwall.Ratio(spent), Known: true, Coverage: 0.998, BurnRate: burn, BurnKnown: true,
		Maths: pitwall.Maths{Formula: "spent = bad / ((1 − target) × total)", Period: pitwall.Period{From: now.Add(-slo.Window), To: now},
			Good: total - bad, Bad: bad, Query: "ledger " + string(slo.Name) + ", steps of 1 m", At: now}}
	if burn > 1 && spent < 1 {
		b.EndsIn = time.Duration((1 - spent) / burn * float64(slo.Window)).Round(time.Minute)
	}
	for i, t := range slo.Tiers {
		st := pitwall.TierState{Tier: t, LongRate: burn * 0.42, ShortRate: burn, Known: true, Long: pitwall.Counts{Good: 9000, Bad: 120}, Short: pitwall.Counts{Good: 900, Bad: 12}}
		st.Firing = st.LongRate > t.Factor && st.ShortRate > t.Factor
		if i == 0 && burn > 28 {
			st = tierState()
		}
		b.Tiers = append(b.Tiers, st)
	}
	return b
}

func change() *pitwall.Change {
	return &pitwall.Change{ID: "deploy-inventory-v41", At: at(changeAt), Kind: pitwall.ChangeDeploy, Service: "inventory",
		Version: "v41", PreviousVersion: "v40", Summary: "Serve complete item details so the product page needs one call less",
		DiffHints: []string{"config: include_full_sku_details: false -> true", "handlers/items.go: +18 -3", "catalog/details.go: +142"},
		Flags:     map[string]string{"include_full_sku_details": "true"}, Actor: "deploy-bot", SeenBy: pitwall.SeenByWebhook}
}

func baseline() pitwall.Baseline {
	op := func(s pitwall.ServiceName, o string, perS float64, p50, p99, resp, calls float64) pitwall.OperationStats {
		n := int64(perS * 180)
		return pitwall.OperationStats{Service: s, Operation: o, Requests: n, PerSecond: perS,
			ErrorRatio: ratio(0.0021, 0.0013, 0.0033, n), P50: seconds(p50, p50*0.98, p50*1.02, n), P99: seconds(p99, p99*0.97, p99*1.04, n),
			ResponseMedian: bytesOf(resp, resp*0.99, resp*1.01, n), ChildrenPerCall: calls}
	}
	return pitwall.Baseline{
		Service: "checkout", Operation: "POST /checkout", Period: pitwall.Period{From: at(2 * time.Minute), To: at(5 * time.Minute)}, FrozenAt: at(openedAt + time.Second),
		Budget: Budget(SLOs()[0], at(5*time.Minute), 0.22, 0.6), NoiseP99: 0.042,
		Operations: []pitwall.OperationStats{
			op("edge", "POST /checkout", 46.7, 0.131, 0.331, 912, 1), op("checkout", "POST /checkout", 46.7, 0.124, 0.318, 874, 4),
			op("inventory", "POST /v1/items/lookup", 46.7, 0.021, 0.058, 8120, 0), op("payment", "POST /v1/charge", 46.7, 0.038, 0.096, 240, 0),
			op("orders", "POST /v1/orders", 46.7, 0.024, 0.071, 180, 2), op("auth", "GET /v1/session", 46.7, 0.006, 0.017, 120, 0),
			op("edge", "GET /catalog", 23.1, 0.014, 0.041, 15200, 1),
		},
		Load:     []pitwall.RouteLoad{{Service: "edge", Operation: "POST /checkout", PerSecond: 46.7, Count: 8406}, {Service: "edge", Operation: "GET /catalog", PerSecond: 23.1, Count: 4158}},
		Families: []pitwall.FrameDelta{{Name: "serialisation", Before: 0.0021}, {Name: "gc", Before: 0.0009}, {Name: "net/http", Before: 0.0017}},
		Versions: map[pitwall.ServiceName]pitwall.Version{"edge": "v5", "checkout": "v12", "inventory": "v40", "payment": "v8", "auth": "v3", "orders": "v21"},
		Warnings: []string{"payment was deployed (v7 → v8) inside the window; its numbers are those of v8 from then on."},
	}
}

// wave is steady with a seeded-looking wobble, so charts look like data and
// every run draws the same.
func wave(i int, level, wobble float64) float64 {
	x := float64(i)
	return level * (1 + wobble*(0.55*math.Sin(x*1.7)+0.3*math.Sin(x*0.61+1)+0.35*math.Sin(x*4.3+2)))
}

// chart draws a signal that rises at the onset and falls when the fix is promoted.
func chart(title string, unit pitwall.Unit, query string, low, high float64, until, fixed time.Duration) pitwall.Chart {
	c := pitwall.Chart{Title: title, Unit: unit, Query: query, Band: &[2]float64{low * 0.9, low * 1.12},
		Marks: []pitwall.ChartMark{{T: at(changeAt).UnixMilli(), Label: "deploy inventory v41", Kind: "change"},
			pitwall.Onset{At: at(onsetAt), Earliest: at(onsetAt - 2*time.Second), Latest: at(onsetAt + 2*time.Second)}.Mark()}}
	s := pitwall.ChartSeries{Name: title}
	for i, d := 0, 2*time.Minute; d <= until; i, d = i+1, d+4*time.Second {
		v := wave(i, low, 0.05)
		if d >= onsetAt {
			v = wave(i, low+(high-low)*math.Min(1, (d-onsetAt).Seconds()/9), 0.08)
		}
		if fixed > 0 && d > fixed {
			v = wave(i, low+(high-low)*math.Exp(-(d-fixed).Seconds()/5), 0.05)
		}
		p := &v
		if d == 3*time.Minute+20*time.Second {
			p = nil // a gap stays a gap
		}
		s.T, s.V = append(s.T, at(d).UnixMilli()), append(s.V, p)
	}
	c.Series = []pitwall.ChartSeries{s}
	return c
}

func latencyChart(until, fixed time.Duration) pitwall.Chart {
	c := chart("p99 of POST /checkout", pitwall.UnitSeconds, `histogram_quantile(0.99, sum by (le) (rate(http_server_request_duration_seconds_bucket{service_name="checkout"}[10s])))`, 0.318, 1.42, until, fixed)
	limit := 0.5
	c.Limit = &limit
	return c
}

func payloadChart(until, fixed time.Duration) pitwall.Chart {
	return chart("Response of inventory POST /v1/items/lookup, median", pitwall.UnitBytes, `span attribute http.response.body.size, service inventory, POST /v1/items/lookup, p50 per 4 s`, 8120, 85_400, until, fixed)
}

func diagnosis() pitwall.Diagnosis {
	ev := func(check, claim string, before, after pitwall.Measure, query string) pitwall.Evidence {
		return pitwall.Evidence{Check: check, Service: "inventory", Claim: claim, Before: before, After: after, Query: query}
	}
	payload := ev("payload", "the response of inventory POST /v1/items/lookup grew from 8.1 kB to 85 kB per call, while what it was asked stayed the same",
		bytesOf(8120, 8060, 8190, 8406), bytesOf(85_400, 84_100, 86_900, 903), "spans service=inventory operation='POST /v1/items/lookup' attribute=http.response.body.size")
	hop := ev("hop-gap", "the way between checkout and inventory takes 640 ms longer, in step with the bytes",
		seconds(0.011, 0.0108, 0.0113, 8406), seconds(0.651, 0.622, 0.684, 903), "client span minus server span, checkout → inventory")
	timing := ev("changes", "it begins 2 s after the deploy of inventory v41, the only change on the path within 3 minutes", pitwall.Measure{}, pitwall.Measure{}, "")
	mech := ev("changes", "the deploy sets include_full_sku_details to true, which is how a payload grows", pitwall.Measure{}, pitwall.Measure{}, "")
	gc := ev("profile-diff", "checkout spends 2.4 ms more CPU per request on decoding and 1.1 ms more on garbage collection, an effect of larger answers",
		pitwall.Measure{Value: 0.003, Unit: pitwall.UnitCPUPerReq, N: 36}, pitwall.Measure{Value: 0.0065, Unit: pitwall.UnitCPUPerReq, N: 5}, "CPU profiles of checkout, families serialisation and gc")
	rate := ev("metrics", "the request rate rose by 2 %, which explains at most 1 % of the change",
		pitwall.Measure{Value: 46.7, Unit: pitwall.UnitPerSecond, N: 8406}, pitwall.Measure{Value: 47.6, Unit: pitwall.UnitPerSecond, N: 903}, `sum(rate(http_server_request_duration_seconds_count{service_name="checkout"}[10s]))`)
	return withDetails(pitwall.Diagnosis{
		Verdict: pitwall.DiagnosisLikely, Summary: "the deploy of inventory v41 made every item lookup answer with ten times the bytes; the link and the decoding in checkout pay for it",
		Regression: regression(), Baseline: pitwall.Period{From: at(2 * time.Minute), To: at(5 * time.Minute)}, Window: pitwall.Period{From: at(onsetAt), To: at(openedAt + 6*time.Second)},
		Hypotheses: []pitwall.Hypothesis{{
			Rank: 1, Service: "inventory", Class: pitwall.BottleneckPayload, Change: change(),
			Claim: "inventory v41 sends complete item details where a price was wanted: 8.1 kB → 85 kB per lookup", Score: 0.93, Confidence: pitwall.ConfidenceHigh,
			For: []pitwall.Evidence{payload, hop, timing, mech, gc}, Against: []pitwall.Evidence{rate},
			Disproof: "If inventory goes back to v40 and the response stays above 12 kB, or checkout p99 stays above 400 ms, this is wrong.",
			Amdahl:   pitwall.Amdahl{Share: 0.94, MaxSpeedup: 16.7, P99Seconds: 0.33, MeetsObjective: true},
			Signal: pitwall.OwnSignal{Name: "response of inventory POST /v1/items/lookup, median", Service: "inventory", Operation: "POST /v1/items/lookup", Field: "response_bytes",
				Before: bytesOf(8120, 8060, 8190, 8406), After: bytesOf(85_400, 84_100, 86_900, 903)},
		}, {
			Rank: 2, Service: "checkout", Class: pitwall.BottleneckAllocation, Claim: "checkout allocates and collects more per request", Score: 0.22, Confidence: pitwall.ConfidenceLow,
			For: []pitwall.Evidence{gc}, Against: []pitwall.Evidence{
				{Check: "payload", Claim: "the growth follows the bytes checkout is sent, so it is an effect of the payload"},
				{Check: "changes", Claim: "nothing was deployed to checkout within 3 minutes"}},
			Disproof: "If checkout's CPU per request stays up when the payload is small again, this gains weight.",
			Amdahl:   pitwall.Amdahl{Share: 0.05, MaxSpeedup: 1.05, P99Seconds: 1.36},
		}},
		Checks: []pitwall.Check{
			{Name: "metrics", Question: "Did rate, errors or CPU of checkout move?", Outcome: pitwall.OutcomeClear, Reason: "the rate is flat (+2 %), the error ratio is the same", Evidence: []pitwall.Evidence{rate}},
			{Name: "page-loads", Question: "Does the browser itself take longer?", Outcome: pitwall.OutcomeClear, Reason: "rendering is unchanged (212 ms, 209 ms); waiting for the first byte grew, so it is the server"},
			{Name: "profile-diff", Question: "Did any frame family of checkout grow per request?", Outcome: pitwall.OutcomeHit, Reason: "serialisation and garbage collection grew per request", Evidence: []pitwall.Evidence{gc}},
			{Name: "contribution", Question: "Which place explains the added time?", Outcome: pitwall.OutcomeHit, Reason: "the way from checkout to inventory explains 94 %"},
			{Name: "payload", Question: "Did a request or response body grow?", Outcome: pitwall.OutcomeHit, Reason: "inventory POST /v1/items/lookup answers with ten times the bytes", Evidence: []pitwall.Evidence{payload}},
			{Name: "child-counts", Question: "Are there more calls per request?", Outcome: pitwall.OutcomeClear, Reason: "4 calls per checkout, as before"},
			{Name: "database", Question: "Do statements of orders take longer?", Outcome: pitwall.OutcomeClear, Reason: "2 statements per order, 3.1 ms, as before"},
			{Name: "lock-profile", Question: "Do goroutines wait for locks?", Outcome: pitwall.OutcomeSkipped, Reason: "no mutex profile is collected; call runtime.SetMutexProfileFraction(100) in checkout to enable it"},
			{Name: "changes", Question: "What changed on the path before it began?", Outcome: pitwall.OutcomeHit, Reason: "the deploy of inventory v41, 2 s before; payment v8 and an auth flag came 4 minutes earlier and match no mechanism", Evidence: []pitwall.Evidence{timing, mech}},
		},
		Waterfall: []pitwall.Contribution{
			{Service: "inventory", Operation: "POST /v1/items/lookup", Part: "hop", Before: 0.011, After: 0.651, Delta: 0.640},
			{Service: "inventory", Operation: "POST /v1/items/lookup", Part: "self", Before: 0.010, After: 0.022, Delta: 0.012},
			{Service: "checkout", Operation: "POST /checkout", Part: "self", Before: 0.018, After: 0.047, Delta: 0.029},
			{Service: "payment", Operation: "POST /v1/charge", Part: "self", Before: 0.038, After: 0.037, Delta: -0.001},
			{Service: "orders", Operation: "POST /v1/orders", Part: "self", Before: 0.024, After: 0.0243, Delta: 0.0003},
		},
		Unexplained: 0.0042,
		Flame: &pitwall.FlameDiff{Service: "checkout", Type: pitwall.ProfileCPU, Unit: pitwall.UnitCPUPerReq,
			Families: []pitwall.FrameDelta{
				{Name: "serialisation", Before: 0.0021, After: 0.0045, ShareBefore: 0.31, ShareAfter: 0.46, P: 0.0004, Significant: true},
				{Name: "gc", Before: 0.0009, After: 0.0020, ShareBefore: 0.13, ShareAfter: 0.2, P: 0.002, Significant: true},
				{Name: "allocation", Before: 0.0006, After: 0.0010, ShareBefore: 0.09, ShareAfter: 0.1, P: 0.01, Significant: true},
				{Name: "syscall", Before: 0.0014, After: 0.0016, ShareBefore: 0.2, ShareAfter: 0.16, P: 0.31},
				{Name: "lock", Before: 0.0001, After: 0.0001, ShareBefore: 0.01, ShareAfter: 0.01, P: 0.88},
			},
			Frames: []pitwall.FrameDelta{
				{Name: "encoding/json.(*decodeState).object", Before: 0.0012, After: 0.0027, ShareBefore: 0.18, ShareAfter: 0.28, P: 0.0006, Significant: true},
				{Name: "runtime.gcDrain", Before: 0.0005, After: 0.0013, ShareBefore: 0.07, ShareAfter: 0.13, P: 0.003, Significant: true},
				{Name: "internal/runtime/syscall.Syscall6", Before: 0.0014, After: 0.0016, ShareBefore: 0.2, ShareAfter: 0.16, P: 0.31},
			}},
		Charts: []pitwall.Chart{latencyChart(openedAt+6*time.Second, 0), payloadChart(openedAt+6*time.Second, 0)},
	})
}

func fix() pitwall.Fix {
	step := func(id, title string, good int, judged bool) pitwall.Step {
		return pitwall.Step{ID: id, Title: title, Weights: map[pitwall.Version]int{"v40": good, "v41": 100 - good}, Undo: map[pitwall.Version]int{"v41": 100},
			Checkpoint: "p99 better, errors and neighbours not worse", Judged: judged}
	}
	return pitwall.Fix{Playbook: "rollback-payload", Title: "Roll inventory back from v41 to v40", Kind: "rollback", Service: "inventory", Good: "v40", Bad: "v41", Risk: pitwall.RiskLow,
		Expect: "the response is small again and p99 returns to its baseline", Undo: "all traffic of inventory goes to v41 again",
		Steps: []pitwall.Step{step("canary-10", "10 % of inventory on v40", 10, true), step("canary-50", "50 % of inventory on v40", 50, true), step("all", "All of inventory on v40", 100, false)},
		Guardrails: []pitwall.Guardrail{
			{Name: "p99 latency", Service: "checkout", Operation: "POST /checkout", Metric: "latency", Margin: 0.1, Goal: "better"},
			{Name: "error ratio", Service: "checkout", Operation: "POST /checkout", Metric: "errors", Margin: 0.1, Goal: "not-worse"},
			{Name: "neighbour GET /catalog", Service: "edge", Operation: "GET /catalog", Metric: "latency", Margin: 0.1, Goal: "not-worse"},
		},
		Enforce: []string{"response-size-gate", "payload-alert", "runbook"}}
}

func decision(r pitwall.DecisionResult, when time.Time) pitwall.Decision {
	d := pitwall.Decision{Result: r, Rule: "rollbacks-by-canary", Reason: "a rollback by canary is the safest change there is", At: when,
		Bundle: "5d1c0bb2a7f94e0e9a3d6f2c4b8e7a19", Inputs: map[string]any{"fix.kind": "rollback", "fix.risk": "low", "severity": 1, "budget.remaining": 0.64, "environment": "demo"}}
	if r == pitwall.DecisionAsk {
		d.Rule, d.Reason = "ask-for-everything", "every change asks a person here"
	}
	return d
}

func look(step string, weight int, when time.Time, a pitwall.CanaryAction) pitwall.CanaryLook {
	n := int64(weight) * 46
	l := pitwall.CanaryLook{StepID: step, At: when, Period: pitwall.Period{From: when.Add(-21 * time.Second), To: when}, Weight: weight, Control: "v41", Treat: "v40", Action: a, Balance: 0.43,
		Reason: "p99 is proven better, nothing else is worse"}
	p99 := pitwall.Comparison{Name: "p99 latency", Service: "checkout", Operation: "POST /checkout", Control: seconds(1.44, 1.33, 1.58, 4600-n), Treatment: seconds(0.331, 0.301, 0.372, n),
		Change: -0.77, ChangeLow: -0.81, ChangeHigh: -0.72, P: 0.0004, EValue: 2480, Limit: "better than now", Goal: "better", Verdict: pitwall.Better, Pass: true, Query: "spans of POST /checkout split by the version of inventory that answered"}
	errs := pitwall.Comparison{Name: "error ratio", Service: "checkout", Operation: "POST /checkout", Control: ratio(0.0031, 0.0017, 0.0052, 4600-n), Treatment: ratio(0.0029, 0.0004, 0.0103, n),
		Change: -0.06, ChangeLow: -0.8, ChangeHigh: 1.9, P: 0.62, EValue: 0.8, Limit: "≤ now + 10 %", Goal: "not-worse", Verdict: pitwall.Same, Pass: true, Query: "failed spans / spans"}
	near := pitwall.Comparison{Name: "neighbour GET /catalog", Service: "edge", Operation: "GET /catalog", Control: seconds(0.041, 0.039, 0.044, 2020), Treatment: seconds(0.0405, 0.037, 0.046, n/2),
		Change: -0.01, ChangeLow: -0.09, ChangeHigh: 0.1, P: 0.71, Limit: "≤ now + 10 %", Goal: "not-worse", Verdict: pitwall.Same, Pass: true, Query: "spans of GET /catalog"}
	if a == pitwall.CanaryWait {
		l.Reason = "not enough requests for a verdict on p99"
		p99.Verdict, p99.Pass, p99.P, p99.EValue, p99.NeedMore, p99.ChangeHigh = pitwall.Undecided, false, 0.08, 12.4, 320, 0.04
		errs.Verdict, errs.Pass, errs.NeedMore = pitwall.Undecided, false, 140
	}
	if a == pitwall.CanaryRollBack {
		l.Reason = "error ratio is worse: 0.31 % → 4.2 %"
		errs.Treatment, errs.Change, errs.ChangeLow, errs.ChangeHigh = ratio(0.042, 0.029, 0.061, n), 12.5, 7.9, 19
		errs.Verdict, errs.Pass, errs.P, errs.EValue = pitwall.Worse, false, 0.0001, 9100
		p99.Verdict, p99.Pass, p99.Change, p99.P = pitwall.Undecided, false, -0.05, 0.44
		p99.Treatment = seconds(1.38, 1.2, 1.61, n)
	}
	if a == pitwall.CanaryGiveUp {
		l.Reason = "40 requests in 10 minutes are too few for a verdict"
		p99.Verdict, p99.Pass, p99.P, p99.Treatment.N = pitwall.Undecided, false, 0.4, 40
		near.Verdict, near.Pass, near.Treatment, near.Why = pitwall.NoData, false, pitwall.Measure{Unit: pitwall.UnitSeconds}, "no request of GET /catalog reached the fix"
	}
	l.Rows = []pitwall.Comparison{p99, errs, near}
	return l
}

func verification(when time.Time) pitwall.Verification {
	row := func(name string, s pitwall.ServiceName, op string, before, after pitwall.Measure, change, p float64, limit string) pitwall.Comparison {
		return pitwall.Comparison{Name: name, Service: s, Operation: op, Control: before, Treatment: after, Change: change, ChangeLow: change - 0.03, ChangeHigh: change + 0.03, P: p, Limit: limit, Verdict: pitwall.Same, Pass: true, Query: "spans of " + op}
	}
	return pitwall.Verification{At: when, Before: pitwall.Period{From: at(2 * time.Minute), To: at(5 * time.Minute)}, During: pitwall.Period{From: at(onsetAt), To: at(openedAt + 10*time.Second)}, After: pitwall.Period{From: at(7*time.Minute + 12*time.Second), To: when},
		Rows: []pitwall.Comparison{
			row("p99 latency", "checkout", "POST /checkout", seconds(0.318, 0.309, 0.328, 8406), seconds(0.321, 0.311, 0.333, 6108), 0.009, 0.57, "≤ before + 10 %"),
			row("response size, median", "inventory", "POST /v1/items/lookup", bytesOf(8120, 8060, 8190, 8406), bytesOf(8130, 8070, 8200, 6108), 0.001, 0.81, "≤ before + 10 %"),
			row("error ratio", "checkout", "POST /checkout", ratio(0.0021, 0.0013, 0.0033, 8406), ratio(0.0023, 0.0013, 0.0038, 6108), 0.09, 0.79, "≤ before + 10 %"),
			row("neighbour GET /catalog, p99", "edge", "GET /catalog", seconds(0.041, 0.039, 0.043, 4158), seconds(0.0412, 0.039, 0.044, 3054), 0.005, 0.66, "≤ before + 10 %"),
		},
		P99Before: seconds(0.318, 0.309, 0.328, 8406), P99During: seconds(1.42, 1.31, 1.55, 1377), P99After: seconds(0.321, 0.311, 0.333, 6108),
		NoiseFloor: 0.042, SameLoad: true, LoadWhy: "46.7 and 46.9 requests a second, the same mix of routes (p=0.84)", Verdict: pitwall.Same, Pass: true, Done: true,
		Reason: "the headline, the cause's own signal and every neighbour are back at their baseline"}
}

func enforcedFiles() pitwall.EnforcedData {
	gate := "schema: pitwall.gate/1\nname: inventory-response-size\nplan: PIP-1\nservice: inventory\noperation: POST /v1/items/lookup\nowner: team-shop\nmode: enforce\nmedian_bytes: 8120\nmax_ratio: 2\nrequests:\n  - {method: GET, path: '/v1/items?ids=sku-0007,sku-0113'}\n"
	rules := "groups:\n  - name: inventory-payload\n    rules:\n      - alert: InventoryPayloadGrew\n        expr: >-\n          histogram_quantile(0.5, sum by (le, http_route) (rate(http_server_response_body_size_bytes_bucket{service_name=\"inventory\"}[5m]))) > 16240\n        for: 2m\n        labels: {severity: page, team: team-shop, plan: PIP-1}\n        annotations:\n          summary: Answers of inventory are larger than their contract\n          runbook_url: runbooks/inventory-payload.md\n"
	run := "# Answers of inventory are too large\n\n**Symptom.** p99 of checkout rises while the rate stays flat.\n\n1. `pitwall gate run gates/inventory-response-size.yaml --target http://inventory`\n2. Look at the last deploy of inventory: does a flag or field list include more than before?\n3. Roll it back by weights; see PIP-1.\n\nLast time: deploy v41 set include_full_sku_details. Owner: team-shop. Review by 2026-06-02.\n"
	diff := func(path, content string) string {
		d := "diff --git a/" + path + " b/" + path + "\nnew file mode 100644\n--- /dev/null\n+++ b/" + path + "\n@@ -0,0 +1 @@\n"
		line := ""
		for _, r := range content {
			if r == '\n' {
				d += "+" + line + "\n"
				line = ""
				continue
			}
			line += string(r)
		}
		return d
	}
	file := func(k pitwall.EnforcedKind, path, content string) pitwall.EnforcedFile {
		return pitwall.EnforcedFile{Kind: k, Path: path, Content: content, Diff: diff(path, content), Commit: "9f2c41ab77d0e3"}
	}
	return pitwall.EnforcedData{Repository: "shop.git", Branch: "pitwall/PIP-1", Commit: "9f2c41ab77d0e3",
		Files: []pitwall.EnforcedFile{file(pitwall.EnforcedGate, "gates/inventory-response-size.yaml", gate), file(pitwall.EnforcedAlertRule, "alerts/inventory-payload.rules.yaml", rules), file(pitwall.EnforcedRunbook, "runbooks/inventory-payload.md", run)},
		Gate:  &pitwall.Gate{Schema: "pitwall.gate/1", Name: "inventory-response-size", Plan: "PIP-1", Service: "inventory", Operation: "POST /v1/items/lookup", Owner: "team-shop", Mode: "enforce", MedianBytes: 8120, MaxRatio: 2}}
}
